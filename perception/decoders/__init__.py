"""Decoders: from the outputs of a network to detections and instances, with one file per network family.

Read in this order: detections → instances → activation → nms → yolox → boxes → the other networks, one family per file.
"""
