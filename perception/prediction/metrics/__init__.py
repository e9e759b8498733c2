"""Metrics by exact definition: one file per idea, each formula in a docstring."""
