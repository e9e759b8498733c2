"""From videos to a catalog: frames, an ONNX detector, importance, neighbours and categories.

Names are looked up when they are first used, so that importing this package loads no decoder, runtime or table library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from preroll.perception.catalog import Catalog

_HOMES = {
    "Catalog": "catalog",
}

__all__ = ["Catalog"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
