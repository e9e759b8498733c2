"""Design of an experiment: from its YAML file to the list of its cells.

Read in this order: spec → names → points → variation → checks → plan.
"""
