"""Agents: whoever decides on an ad, from random to PPO, behind one small interface.

Names are loaded when they are first asked for: ``make_agent("thompson", …)`` loads no torch.

Read in this order: agent → transitions → registry → baselines → bandits → contextual → deep → interop.
"""

import lazy_loader

# What is exported, and from where, stands in __init__.pyi.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
