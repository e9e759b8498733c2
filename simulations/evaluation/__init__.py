"""Evaluation of agents: exact values, and simulation with common random numbers.

Read in this order: agent_result → agent_evaluation → stepping → players → own_tables → evaluation → table →
loss_table → losses_in_words; impression_log writes every decision with its propensity.
"""
