"""Hyper-parameter search.

Read in this order: search_space → tuning.
"""
