"""Folders of runs: default names, agents trained elsewhere, continued runs, lists of runs and their removal.

Read in this order: default_names → run_names → common_tables → import_run → continuation → run_files → found_runs →
removal.
"""
