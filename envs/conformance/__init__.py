"""Checks that an environment does what the model says: ``check_env``.

Read in this order: check → subject → the checks, one kind a file.
"""
