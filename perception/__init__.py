"""From videos to a catalog: frames, an ONNX detector, importance, neighbours and categories.

Names are looked up when they are first used, so that importing this package loads no decoder, runtime or table library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from preroll.perception.analysis.detector import Detector
    from preroll.perception.build import BuildReport, build_catalog
    from preroll.perception.catalog.catalog import Catalog
    from preroll.perception.demo.videos import render_demo_videos
    from preroll.perception.detect_video import detect
    from preroll.perception.ingest.content import Choices
    from preroll.perception.ingest.download import DownloadLimits
    from preroll.perception.onnx_models.model_card import ModelCard
    from preroll.perception.workers.process import Limits

_HOMES = {
    "BuildReport": "build",
    "Catalog": "catalog.catalog",
    "Choices": "ingest.content",
    "Detector": "analysis.detector",
    "DownloadLimits": "ingest.download",
    "Limits": "workers.process",
    "ModelCard": "onnx_models.model_card",
    "build_catalog": "build",
    "detect": "detect_video",
    "render_demo_videos": "demo.videos",
}

__all__ = [
    "BuildReport",
    "Catalog",
    "Choices",
    "Detector",
    "DownloadLimits",
    "Limits",
    "ModelCard",
    "build_catalog",
    "detect",
    "render_demo_videos",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
