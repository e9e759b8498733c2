"""Tabular bandits: separate arm statistics for each category.

Read in this order: tabular → ucb → thompson → the others.
"""
