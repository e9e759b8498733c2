"""From the list of cells to results.

Read in this order: cell → store → runner → tidy_table → summary.
"""
