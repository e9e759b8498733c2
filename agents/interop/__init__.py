"""Interoperability: ONNX files, and environments and models of stable-baselines3.

Read in this order: sb3_vec_env → sb3_import → onnx_export → onnx_agent.
"""
