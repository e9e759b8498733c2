"""From a scenario and a catalog to the tables that kernel and optimum share.

Read in this order: observation → tables → packing.
"""
