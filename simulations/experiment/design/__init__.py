"""From the YAML file of an experiment to the list of its cells.

Read in this order: spec → variation → names → plan.
"""
