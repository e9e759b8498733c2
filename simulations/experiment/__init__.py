"""Experiments: one YAML file becomes many cells, each a run; repeating the command runs only the missing ones.

Read in this order: spec → variation → names → plan → cell → store → runner → origins → tidy_table → summary.
"""
