"""Processes that work for a command: how a child is started and ended, and how a Ray cluster is reached."""
