"""Rendering of a session as text and as an image, and plots of policies.

Read in this order: timeline → ansi → rgb → render → figure_bytes → policy_plot.
"""
