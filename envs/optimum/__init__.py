"""Exact values: the optimum, the value of any policy table, and the best of restricted classes of policies.

Read in this order: bellman → dynamic_program → look_alikes → told → knowledge → losses → explanation → optimum →
restricted → belief → phases → reference_values.
"""
