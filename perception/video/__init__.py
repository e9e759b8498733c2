"""Frames out of videos and folders of pictures, resized for a network."""
