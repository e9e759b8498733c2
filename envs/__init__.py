"""Sessions: the scenario, its tables, one kernel, the environments on it, and the exact optimum.

Read in this order: scenario → model → kernel → session and vector → policies → optimum.
"""

import lazy_loader

# What is exported, and from where, stands in __init__.pyi.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
