"""The compiled core: what one step and whole sessions compute, one idea a file.

Read in this order: layout → rng → recommender → response → observations → step → policy_rollout.
"""
