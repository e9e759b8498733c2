"""ONNX networks and their model cards: loading, checking, exporting, and the models shipped with preroll."""
