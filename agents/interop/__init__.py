"""Agents to and from elsewhere: ONNX files, and environments and models of stable-baselines3."""
