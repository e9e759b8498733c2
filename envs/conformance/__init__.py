"""Conformance checks of an environment against its model: ``check_env``.

Read in this order: check → subject → the checks, one kind per file.
"""
