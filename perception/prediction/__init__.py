"""Video-level predictions of tags, genres and memorability.

The stages are data (:mod:`~preroll.perception.prediction.formats`), split
(:mod:`~preroll.perception.prediction.framework.split`), model (:mod:`~preroll.perception.prediction.networks`) and
metrics (:mod:`~preroll.perception.prediction.metrics`). A task
(:mod:`~preroll.perception.prediction.framework.task`) defines the four, and
:mod:`~preroll.perception.prediction.run` trains, evaluates and applies it.

Read in this order: formats → framework → networks → metrics → tags, genres and memorability → run → catalog_update.
"""

import lazy_loader

# __init__.pyi lists the exports and the modules that define them.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
