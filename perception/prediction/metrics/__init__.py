"""Evaluation metrics, each with its exact formula in the docstring.

Read in this order: ranking → average_precision → thresholds → regression → calibration.
"""
