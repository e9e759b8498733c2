"""Search of a catalog: the videos that show most of a class or word, and those most similar to a vector."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from preroll.console.nearest import meant
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog

_BLOCK = 4096


def videos_showing(catalog: str | Path | Catalog, name: str, count: int = 10) -> pd.DataFrame:
    """Returns the videos in which a class, or word of the user, is most important.

    Args:
        catalog: name, folder or catalog.
        name: a class of it, in any case of letters if that is one.
        count: number of videos, at most; those that do not show it are left out.

    Returns:
        Best first, equal ones by row, with the columns ``rank``, ``importance``, ``path`` and ``category``.

    Raises:
        PrerollError: the catalog has no such class.

    Examples:
        >>> from preroll.perception import Catalog, videos_showing
        >>> videos_showing(Catalog.load("demo"), "fish", 2)["path"].tolist()
        ['cats/cats-055.mp4', 'cats/cats-038.mp4']
    """
    catalog = Catalog.load(catalog)
    matching = [i for i, one in enumerate(catalog.classes) if one == name]
    matching = matching or [i for i, one in enumerate(catalog.classes) if one.casefold() == name.casefold()]
    if len(matching) != 1:
        told = f"{name!r} is none of its {len(catalog.classes):,} classes"
        raise PrerollError(f"catalog {catalog.path}: {told}{meant(name, catalog.classes)}")
    shown = np.asarray(catalog.importance[:, matching[0]])
    return _best(catalog, shown, count, "importance", shown > 0)


def videos_like(catalog: str | Path | Catalog, vector: NDArray[np.floating], count: int = 10) -> pd.DataFrame:
    """Returns the videos whose embedding is most similar to a vector.

    Returns:
        Best first, equal ones by row, with the columns ``rank``, ``cosine``, ``path`` and ``category``.

    Raises:
        PrerollError: the catalog has no embeddings, or of another length.
    """
    catalog = Catalog.load(catalog)
    embedding = catalog.embedding
    if embedding is None:
        raise PrerollError(
            f"catalog {catalog.path}: has no embeddings, so nothing is similar to a picture; `preroll catalog build"
            " --embed` adds them"
        )
    if embedding.shape[1] != len(vector):
        raise PrerollError(f"catalog {catalog.path}: has vectors of {embedding.shape[1]} numbers, not {len(vector)}")
    unit = vector.astype(np.float64) / (np.linalg.norm(vector) or 1)
    starts = range(0, len(embedding), _BLOCK)
    cosines = np.concatenate([embedding[start : start + _BLOCK].astype(np.float64) @ unit for start in starts])
    return _best(catalog, cosines, count, "cosine", np.ones(len(cosines), np.bool_))


def _best(
    catalog: Catalog, scores: NDArray[np.floating], count: int, name: str, usable: NDArray[np.bool_]
) -> pd.DataFrame:
    order = np.argsort(-scores, kind="stable")
    rows = order[usable[order]][:count]
    table = catalog.videos().set_index("index")
    columns = {
        "rank": np.arange(1, len(rows) + 1),
        name: scores[rows],
        "path": [table["path"][row] for row in rows],
        "category": [table["category"][row] for row in rows],
    }
    return pd.DataFrame(columns)
