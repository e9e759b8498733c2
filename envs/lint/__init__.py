"""Warnings about a scenario that is valid and yet not what its author meant, decided by its tables, not by its text.

Read in this order: finding → responses → mechanisms → effects → visibility; action_values → ads; warnings.
"""
