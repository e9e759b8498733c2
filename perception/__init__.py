"""From videos to a catalog: frames, an ONNX detector, importance, neighbors and categories.

Names are loaded when they are first asked for, so that importing this package loads no decoder, runtime or table
library. Read in this order: video → onnx_models → decoders → analysis → workers → features → ingest → build → catalog.
"""

import lazy_loader

# What is exported, and from where, stands in __init__.pyi.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
