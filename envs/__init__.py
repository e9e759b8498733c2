"""Session environments: scenarios, compiled tables, the kernel, Gymnasium environments, policies and the exact optimum.

Read in this order: scenario → model → kernel → session and vector → policies → optimum.
"""

import lazy_loader

# The exports and their modules are listed in __init__.pyi.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
