"""Decoders: from the outputs of a network to detections and instances, with one file per network family."""
