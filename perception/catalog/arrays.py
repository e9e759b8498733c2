"""Arrays of a catalog: types, shapes and ranges, checked before anything is computed from them.

Compiled code takes indices from these arrays and checks none: one flipped bit would be a read outside of an array.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from preroll.errors import PrerollError
from preroll.files.manifest import Manifest
from preroll.files.sealed import DamagedError

NEIGHBORS = 10
#: Rounding that a probability may exceed 1 by.
_ROUNDING = 1e-6
#: Axes: N videos, K categories, C classes, R ranks of neighbours, M detections, M1 their offsets, B corners of a box,
#: D numbers of an embedding, E of a reduced one, L limits, A ads.
ARRAYS: dict[str, tuple[str, str]] = {
    "category": ("int16", "N"),
    "importance": ("float32", "NC"),
    "category_probabilities": ("float32", "NK"),
    "neighbors": ("int32", "NR"),
    "neighbor_scores": ("float32", "NR"),
    "memorability": ("float32", "N"),
    "memorability_quantile": ("float32", "N"),
    "response": ("float32", "NA"),
    "embedding": ("float16", "ND"),
    "embedding_reduced": ("float32", "NE"),
    "embedding_mean": ("float32", "D"),
    "embedding_axes": ("float32", "ED"),
    "embedding_limits": ("float32", "L"),
}
#: Of these, what a catalog in memory may be given and need not have.
OPTIONAL = (
    "category_probabilities",
    "memorability",
    "memorability_quantile",
    "embedding",
    "embedding_reduced",
    "response",
)
DETECTIONS: dict[str, tuple[str, str]] = {
    "offsets": ("int64", "O"),
    "frame": ("int32", "M"),
    "class": ("int16", "M"),
    "confidence": ("float32", "M"),
    "area": ("float32", "M"),
    "box": ("float32", "MB"),
}
#: Variable of the environment that leaves out the hashes of arrays, but no other check.
SKIP = "PREROLL_VERIFY"
#: Bytes whose hash takes about a second, which is announced.
_LONG = 500_000_000
#: Arrays whose hashing was announced.
_TOLD: set[Path] = set()
_SHARES = (
    "importance",
    "category_probabilities",
    "memorability",
    "memorability_quantile",
    "response",
    "embedding_reduced",
)
#: By how much the length of a vector of float16 may differ from 1.
_LENGTH = 0.01
#: Vectors whose lengths are computed at once.
_ROWS = 4096

Valid = NDArray[np.bool_]


@dataclass(frozen=True)
class Sizes:
    """Sizes of a catalog.

    Attributes:
        videos: N.
        categories: K.
        classes: C.
        unknown: whether the category of a video may be unknown.
        detections: M.
        embedded: D.
        reduced: E.
        ads: A.
    """

    videos: int
    categories: int
    classes: int
    unknown: bool = False
    detections: int = 0
    embedded: int = 0
    reduced: int = 0
    ads: int = 0

    def shape(self, axes: str) -> tuple[int, ...]:
        """Returns the shape of an array with the given axes."""
        sizes = {"N": self.videos, "K": self.categories, "C": self.classes, "R": NEIGHBORS}
        sizes |= {"M": self.detections, "O": self.videos + 1, "B": 4}
        sizes |= {"D": self.embedded, "E": self.reduced, "L": 2, "A": self.ads}
        return tuple(sizes[axis] for axis in axes)


def header(files: Manifest, name: str) -> NDArray[Any]:
    """Memory-maps an array of a catalog without unpickling, and compares its shape with the manifest's.

    Its content is not to be used: :func:`read` has checked that of what it returns.

    Raises:
        PrerollError: if it is missing, no array, or of another shape or type than the manifest says.
    """
    path, entry = files.folder / name, files.files[name]
    shape, kind = entry["shape"], entry.get("dtype")
    try:
        # An empty array cannot be memory-mapped.
        array = np.load(path, mmap_mode="r" if 0 not in shape else None, allow_pickle=False)
    except Exception as error:  # a damaged header may raise almost any
        raise DamagedError(f"{path}: cannot be read as an array: {_one_line(error)}") from None
    if not isinstance(array, np.ndarray):
        raise DamagedError(f"{path}: is not a single array")
    if list(array.shape) != shape:
        raise DamagedError(f"{path}: has shape {list(array.shape)}, but the manifest says {shape}")
    if kind not in (None, str(array.dtype)):
        raise DamagedError(f"{path}: is {array.dtype}, but the manifest says {kind}")
    return array


def read(files: Manifest, name: str) -> NDArray[Any]:
    """Returns an array of a catalog, memory-mapped, after its hash was compared unless :func:`hashes` is false.

    Raises:
        PrerollError: if it is not what was written.
    """
    array = header(files, name)
    if hashes():
        if array.nbytes > _LONG and files.folder / name not in _TOLD:
            _TOLD.add(files.folder / name)
            size = f"{array.nbytes / 1e9:.1f} GB"
            print(f"{files.folder / name}: comparing the hash of {size}; {SKIP}=0 leaves it out", file=sys.stderr)  # noqa: T201
        files.verified(name)
    return array


def hashes() -> bool:
    """Returns whether hashes of arrays are compared: unless the environment says ``PREROLL_VERIFY=0``."""
    return os.environ.get(SKIP) != "0"


def check_type(told: str, name: str, array: NDArray[Any], kind: str, shape: tuple[int, ...]) -> None:
    """Raises unless an array has the type and shape that every catalog's has; ``told`` names the catalog."""
    if array.shape != shape or array.dtype != kind:
        raise PrerollError(f"{told}: {name} is {array.dtype} {list(array.shape)}, must be {kind} {list(shape)}")


def check_values(told: str, name: str, array: NDArray[Any], sizes: Sizes) -> None:
    """Raises unless every value of one of :data:`ARRAYS` is in range, naming the first row that is not.

    Args:
        told: the catalog, for the error message.
        name: name of the array.
        array: the array.
        sizes: sizes of the catalog.

    Raises:
        PrerollError: naming the array, the row and the rule.
    """
    if name in _SHARES:
        if array.size and not (array.min() >= 0 and array.max() <= 1 + _ROUNDING):  # one pass less than by masks
            _refuse(told, name, (array >= 0) & (array <= 1 + _ROUNDING), "must lie in [0, 1]")
        return
    for valid, rule in _rules(name, array, sizes):
        if not valid.all():
            _refuse(told, name, valid, rule)


def _rules(name: str, array: NDArray[Any], sizes: Sizes) -> Iterator[tuple[Valid, str]]:
    n, k = sizes.videos, sizes.categories
    if name == "category":
        rule = f"must lie in 0 … {k - 1}" + (", or be −1 where it is not known" if sizes.unknown else "")
        yield (array >= (-1 if sizes.unknown else 0)) & (array < k), rule
    elif name == "neighbors":
        yield (array >= -1) & (array < n), f"must lie in 0 … {n - 1}, or be −1 for padding"
        yield array != np.arange(n)[:, None], "must not hold the video itself"
        yield (array[:, :-1] >= 0) | (array[:, 1:] < 0), "must have its padding, −1, behind all neighbours"
    elif name == "embedding":
        parts = (array[start : start + _ROWS].astype(np.float32) for start in range(0, len(array), _ROWS))
        lengths = np.concatenate([np.linalg.norm(part, axis=1) for part in parts])
        yield (lengths == 0) | (np.abs(lengths - 1) <= _LENGTH), "must be a vector of length 1, or of zeros"
    elif name == "embedding_limits":
        yield np.array([array[0] <= array[1]]) & np.isfinite(array).all(), "must be two finite numbers in order"
    else:
        yield np.isfinite(array), "must be finite"


def check_detections(told: str, columns: dict[str, NDArray[Any]], classes: int) -> None:
    """Raises unless the columns of all detections fit each other and are in range.

    Raises:
        PrerollError: naming the column, the row and the rule.
    """
    offsets = columns["offsets"]
    in_order = np.diff(offsets, prepend=0) >= 0
    if offsets[0] != 0 or offsets[-1] != len(columns["frame"]) or not in_order.all():
        raise PrerollError(f"{told}: detections/offsets: must rise from 0 to {len(columns['frame'])}")
    for name, array in columns.items():
        if name == "class":
            _refuse(told, "detections/class", (array >= 0) & (array < classes), f"must lie in 0 … {classes - 1}")
        elif name == "frame":
            _refuse(told, "detections/frame", array >= 0, "must be 0 or more")
        elif name == "confidence":
            _refuse(told, "detections/confidence", (array >= 0) & (array <= 1 + _ROUNDING), "must lie in [0, 1]")
        elif name != "offsets":
            _refuse(told, f"detections/{name}", np.isfinite(array), "must be finite")


def whole(told: str, name: str, values: ArrayLike, kind: "type[np.integer[Any]]") -> NDArray[Any]:
    """Returns a copy of whole numbers as the integers of an array of a catalog.

    Raises:
        PrerollError: one of them is no whole number, or does not fit.
    """
    given = np.array(values)
    if given.dtype.kind not in "biuf":
        raise PrerollError(f"{told}: {name} must be numbers, not {given.dtype}")
    limits = np.iinfo(kind)
    # NaN lies nowhere.
    fits = (given >= limits.min) & (given <= limits.max) & (given == np.floor(given))
    _refuse(told, name, np.asarray(fits), "must be a whole number in range")
    return np.ascontiguousarray(given.astype(kind))


def _refuse(told: str, name: str, valid: Valid, rule: str) -> None:
    if not valid.all():
        where = np.argwhere(~valid)
        row = int(where[0][0]) if where.shape[1] else 0
        raise PrerollError(f"{told}: {name}, row {row}: {rule}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
