"""Runs as folders: their default names, runs of agents trained elsewhere, continued, listed and removed runs.

Read in this order: default_names → import_run → continuation → run_files → found_runs → removal.
"""
