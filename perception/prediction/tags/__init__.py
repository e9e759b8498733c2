"""The task ``tags``: tags of videos from YouTube-8M features.

Read in this order: task → report.
"""
