"""Compilation of a scenario and a catalog into the tables that the kernel and the optimum share.

Read in this order: observation → probabilities → by_category → part_of → tables → packing; ad_colors.
"""
