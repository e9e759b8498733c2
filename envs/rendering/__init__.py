"""Rendering of a session as text and as an image.

Read in this order: timeline → ansi → rgb → render.
"""
