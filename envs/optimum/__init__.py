"""Exact values: the optimum, the value of any policy table, and the best of restricted classes of policies.

Read in this order: bellman → dynamic_program → optimum → restricted → belief → phases → reference_values.
"""
