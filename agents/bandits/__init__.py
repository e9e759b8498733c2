"""Tabular bandits: one set of arm statistics per category.

Read in this order: tabular → ucb → thompson → the others.
"""
