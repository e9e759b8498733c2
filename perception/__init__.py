"""Video perception: frame sampling, ONNX detectors, class importance, nearest neighbours, categories and catalogs.

Exported names are imported lazily, so importing this package loads no decoder, runtime or table library. Read in this
order: video → onnx_models → decoders → analysis → workers → features → ingest → build → catalog.
"""

import lazy_loader

# The exports and their modules are listed in __init__.pyi.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
