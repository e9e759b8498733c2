"""Evaluation of agents: exact values, and simulation with common random numbers.

Read in this order: evaluation → stepping → table; impression_log writes every decision with its propensity.
"""
