"""Interoperability: ONNX files, and environments and models of stable-baselines3."""
