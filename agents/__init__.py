"""Agents that choose an ad for each session, from random to PPO, behind one small interface.

Names are imported on first access: ``make_agent("thompson", …)`` does not import torch.

Read in this order: agent → transitions → registry → baselines → bandits → contextual → deep → onnx_graph →
interop.
"""

import lazy_loader

# The exported names and their modules are listed in __init__.pyi.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
