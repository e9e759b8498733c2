"""Evaluation metrics, each with its exact formula in the docstring."""
