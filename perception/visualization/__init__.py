"""Visualisation of a finished catalog: a page to look at, and files for TensorBoard's embedding projector.

Read in this order: thumbnails → findings → selection → page → projector.
"""
