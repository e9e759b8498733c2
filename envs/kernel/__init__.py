"""Compiled core of the environments: the state of parallel sessions and the functions that advance it.

Read in this order: views → layout → rng → lanes → recommender → slot → moves → observations → step → policy_rollout.
"""
