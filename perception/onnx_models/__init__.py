"""ONNX networks and their cards: opening, checking, exporting, and those that preroll ships."""
