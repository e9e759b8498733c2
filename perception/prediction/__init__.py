"""Video-level predictions: tags, genres and memorability, by one small framework.

Data (:mod:`~preroll.perception.prediction.formats`) → :mod:`~preroll.perception.prediction.framework.split` → a model
(:mod:`~preroll.perception.prediction.networks`) → :mod:`~preroll.perception.prediction.metrics` →
:mod:`~preroll.perception.prediction.run`. A task (:mod:`~preroll.perception.prediction.framework.task`) says what the
four are.
"""

import lazy_loader

# What is exported, and from where, stands in __init__.pyi.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
