"""Strict readers of the input file formats, one module per format."""
