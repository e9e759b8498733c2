"""Baselines that do not learn: random, always short or long, and oracles that know the true tables.

Read in this order: simple → oracles → observation_decoder.
"""
