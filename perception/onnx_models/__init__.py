"""ONNX networks and their model cards: loading, checking, exporting, and the models shipped with preroll.

Read in this order: card_fields → model_card → layouts → graph_check → model_file → session →
parity → torch_export.
"""
