"""Experiments: one YAML file becomes many cells, each a run; the same command again does only what is missing.

Read in this order: file → variation → names → plan → cell → store → running → results → summary.
"""
