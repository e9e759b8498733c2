"""Arrays and manifest of a catalog that is in memory alone, from what it is given."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from preroll.files.manifest import VERSION
from preroll.perception.catalog.arrays import ARRAYS, whole
from preroll.perception.catalog.manifest import KIND, RESPONSE_ADS


def arrays_in_memory(
    told: str,
    category: ArrayLike,
    importance: ArrayLike,
    neighbors: ArrayLike,
    neighbor_scores: ArrayLike | None,
    optional: Mapping[str, ArrayLike | None],
) -> dict[str, NDArray[Any]]:
    """Returns copies in the types of a catalog, which nobody can change; their values are yet to be checked.

    Raises:
        PrerollError: what must be whole numbers is not; ``told`` names the catalog.
    """
    nearest = whole(told, "neighbors", neighbors, np.int32)
    scores = (nearest >= 0).astype(np.float32) if neighbor_scores is None else neighbor_scores
    arrays: dict[str, NDArray[Any]] = {
        "category": whole(told, "category", category, np.int16),
        "importance": np.array(importance, np.float32, order="C"),
        "neighbors": nearest,
        "neighbor_scores": np.array(scores, np.float32, order="C"),
    }
    given = {name: array for name, array in optional.items() if array is not None}
    arrays |= {name: np.array(array, ARRAYS[name][0], order="C") for name, array in given.items()}
    for array in arrays.values():
        array.flags.writeable = False  # what was checked stays
    return arrays


def manifest_in_memory(
    name: str, categories: Sequence[str], category: NDArray[Any], response_ads: Sequence[str] | None
) -> dict[str, Any]:
    """Returns a manifest without files; ``response_ads`` are None without a response."""
    content = {
        "format": f"preroll-{KIND}",
        "version": VERSION,
        "command": name,
        "categories": list(categories),
        "videos": len(category) if category.ndim else 0,
        "files": {},
    }
    return content if response_ads is None else content | {RESPONSE_ADS: list(response_ads)}
