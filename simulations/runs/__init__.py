"""Folders of runs: default names, agents trained elsewhere, continued runs, lists of runs and their removal.

Read in this order: default_names → import_run → continuation → run_files → found_runs → removal.
"""
