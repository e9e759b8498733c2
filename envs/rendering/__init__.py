"""Rendering of a session as text and as an image, and plots of policies."""
