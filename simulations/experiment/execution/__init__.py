"""Execution of an experiment: from the list of its cells to results.

Read in this order: cell → store → runner → origins → tidy_table → summary.
"""
