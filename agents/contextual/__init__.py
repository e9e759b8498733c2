"""Contextual bandits: one model per ad over the whole observation.

Read in this order: ridge → linear_bandit → linucb and lints → the others.
"""
