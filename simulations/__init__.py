"""Simulations: agents are trained and compared on sessions, with curves, intervals and pictures.

Names are loaded when they are first asked for. Read in this order: training → evaluation → statistics → workers →
experiment → report → tuning → quickstart.
"""

import lazy_loader

# What is exported, and from where, stands in __init__.pyi.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
