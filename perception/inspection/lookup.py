"""Look-up of a video in a catalog, and of the videos similar to it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from preroll.console.given import whole
from preroll.console.nearest import meant
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog


def find_video(catalog: str | Path | Catalog, name: str) -> int:
    """Returns the row of a video, given its path in the catalog, its file name if that is unique, or its row.

    Raises:
        PrerollError: if the name matches no video, several, or one that was left out.

    Examples:
        >>> from preroll.perception import Catalog, find_video
        >>> find_video(Catalog.load("demo"), "cats-001.mp4")
        100
    """
    catalog = Catalog.load(catalog)
    table = catalog.videos()
    path = table["path"]
    found = table[(path == name) | path.str.endswith(f"/{name}")]
    if (path == name).any():
        found = table[path == name]
    if found.empty and name.isascii() and name.isdigit() and int(name) < catalog.n_videos:
        return int(name)
    if found.empty:
        told = f"no video {name!r}; its rows are 0 … {catalog.n_videos - 1}"
        raise PrerollError(f"catalog {catalog.path}: {told}{meant(name, list(path))}")
    if len(found) > 1:
        raise PrerollError(f"catalog {catalog.path}: {name!r} is several videos: {', '.join(found['path'])}")
    one = found.iloc[0]
    if one["index"] < 0:
        raise PrerollError(f"catalog {catalog.path}: {one['path']} was left out ({one['status']}: {one['reason']})")
    return int(one["index"])


def similar_videos(catalog: str | Path | Catalog, video: int | np.integer[Any] | str) -> pd.DataFrame:
    """Returns the neighbours of a video.

    Args:
        catalog: name, folder or catalog.
        video: its row, or text that :func:`find_video` takes.

    Returns:
        Best first, with the columns ``rank``, ``score`` (cosine), ``path``, ``category`` and ``in common`` (the object
        classes that contribute most to the score). Empty for a video without detections.

    Raises:
        PrerollError: there is no such video.

    Examples:
        >>> from preroll.perception import Catalog, similar_videos
        >>> table = similar_videos(Catalog.load("demo"), 100)
        >>> table["path"].head(3).tolist()
        ['cats/cats-095.mp4', 'cats/cats-080.mp4', 'cats/cats-008.mp4']
        >>> table["in common"][0]
        'tree, chair, fish'
    """
    catalog = Catalog.load(catalog)
    video = find_video(catalog, video) if isinstance(video, str) else whole("video", video)
    if not 0 <= video < catalog.n_videos:
        raise PrerollError(f"catalog {catalog.path}: no video {video}; its rows are 0 … {catalog.n_videos - 1}")
    near = catalog.neighbors[video]
    rows = near[near >= 0]
    table = catalog.videos().set_index("index")
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(rows) + 1),
            "score": catalog.neighbor_scores[video][near >= 0],
            "path": [table["path"][row] for row in rows],
            "category": [table["category"][row] for row in rows],
            "in common": [in_common(catalog, video, row) for row in rows],
        }
    )


def in_common(catalog: Catalog, video: int, other: int) -> str:
    """Returns the three object classes that contribute most to the similarity of two videos."""
    shares = catalog.importance[video] * catalog.importance[other]
    best = np.argsort(-shares, kind="stable")[:3]
    return ", ".join(catalog.classes[c] for c in best if shares[c] > 0)
