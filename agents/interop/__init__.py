"""Interoperability: objects and functions of the user's own, ONNX files, stable-baselines3's environments and models.

Read in this order: own_agent → trainee → sb3_vec_env → sb3_model → sb3_import → onnx_export → onnx_agent.
"""
