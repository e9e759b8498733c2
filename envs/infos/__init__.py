"""What a reset and a step tell beside observations, rewards and flags.

Read in this order: entries → abandonment → lazy → trees → played.
"""
