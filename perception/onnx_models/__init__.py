"""ONNX networks and their model cards: loading, checking, exporting, and the models shipped with preroll.

Read in this order: model_card → model_file → session → parity → torch_export.
"""
