"""Framework of the three tasks: settings, data splits, handling of bad input, and the task interface.

Read in this order: settings → split → bad_input → task → predictions.
"""
