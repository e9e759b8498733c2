"""Contextual bandits: one model per ad over the whole observation.

Read in this order: ridge → ridge_batched → ridge_update → linear_bandit → linucb and lints → the others.
"""
