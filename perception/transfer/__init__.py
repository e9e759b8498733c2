"""Transfer learning inside ONNX: a new last layer on a network that is already trained.

Read in this order: backbone → head → fine_tune.
"""
