"""The demo videos: drawn objects on backgrounds, encoded as small clips.

Read in this order: pen → objects → scenes → clip → videos.
"""
