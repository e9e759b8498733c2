"""Frames of videos and of folders of pictures, resized for a network.

Read in this order: containers → sampling → frame_folders → resize → clip_groups.
"""
