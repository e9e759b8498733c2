"""Probability that an ad has the largest of several random values: the propensities of Thompson sampling.

Read in this order: quadrature → gaussian → beta.
"""
