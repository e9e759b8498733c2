"""From videos to a catalog: frames, an ONNX detector, importance, neighbours and categories.

Names are looked up when they are first used, so that importing this package loads no decoder, runtime or table library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from preroll.perception.build import BuildReport, build_catalog
    from preroll.perception.cards import ModelCard
    from preroll.perception.catalog import Catalog
    from preroll.perception.catalog_content import Choices
    from preroll.perception.demo_videos import render_demo_videos
    from preroll.perception.detections import detect
    from preroll.perception.detector import Detector
    from preroll.perception.download import DownloadLimits
    from preroll.perception.supervised import Limits

_HOMES = {
    "BuildReport": "build",
    "Catalog": "catalog",
    "Choices": "catalog_content",
    "Detector": "detector",
    "DownloadLimits": "download",
    "Limits": "supervised",
    "ModelCard": "cards",
    "build_catalog": "build",
    "detect": "detections",
    "render_demo_videos": "demo_videos",
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
