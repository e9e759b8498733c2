"""Policies as tables over everything that an agent can observe, and their simulation.

Read in this order: policy_map → given_tables → policy → simple → greedy → tabulate → rollout.
"""
