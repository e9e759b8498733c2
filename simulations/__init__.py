"""Training, evaluation and comparison of agents, with learning curves, intervals and reports.

Exported names are loaded on first access. Read in this order: training → runs → evaluation → statistics →
experiment → report → reporting → tuning → valued_training → quickstart.
"""

import lazy_loader

# __init__.pyi lists the exported names and the modules that define them.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
