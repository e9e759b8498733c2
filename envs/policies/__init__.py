"""Policies as tables over everything that an agent can observe, and their simulation.

Read in this order: policy → simple → greedy → tabulate → policy_map → rollout.
"""
