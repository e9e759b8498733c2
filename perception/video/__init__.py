"""Frames of videos and of folders of pictures, resized for a network."""
