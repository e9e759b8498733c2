"""Videos that a catalog has twice: equal files, and other files that show the same by their objects or embedding."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from preroll.perception.catalog.catalog import Catalog

#: Largest difference of two videos that are nearly equal, of their confidences and of the changes of these.
NEAR, NEAR_CHANGES = 0.25, 0.5
#: Smallest sum of the changes in a video of which anything can be said.
FEWEST_CHANGES = 1.0
#: Least cosine of the same, by the sha256 of the encoder, as ``python -m benchmarks.duplicates`` measures it.
LEAST_COSINES = {"5a45664e170e3d788157f8549561274eccbfbb5f391c8ae5b0e14aef80babac5": 0.86}  # efficientnet-lite0
COLUMNS = ("path", "category", "other", "other category", "difference", "by")
_BLOCK = 256


class Likeness(NamedTuple):
    """How far two videos differ, and by what: ``file``, ``objects`` or ``embedding``."""

    difference: float
    by: str


def find_duplicates(catalog: str | Path | Catalog) -> pd.DataFrame:
    """Finds equal files, and videos that show the same.

    Objects: compared is the largest confidence of each class in each frame of a video and its neighbours. Σ|a − b| may
    be at most a quarter of Σ max(a, b). What is there all the time is in many videos; so of the changes from frame to
    frame, c and d, Σ|c − d| may be at most half of Σ(|c| + |d|), and their sum must be at least 1 in both videos.

    Embedding: the cosine of two videos must be at least that of :data:`LEAST_COSINES`, which is known of some encoders.
    Pieces of one recording show the same place, so that videos of one group are not compared in this way.

    The numbers of sampled frames may differ by one: a copy that begins at another time is not found.

    Args:
        catalog: name, folder or catalog.

    Returns:
        One row per pair with the columns ``path``, ``category``, ``other``, ``other category``, ``difference`` and
        ``by``: 0 for equal ``file``, Σ|a − b| / Σ max(a, b) by ``objects``, else 1 − cosine by ``embedding``; equal
        files first, then by difference and path.

    Examples:
        >>> from preroll.perception import Catalog, find_duplicates
        >>> len(find_duplicates(Catalog.load("demo")))
        0
    """
    catalog = Catalog.load(catalog)
    videos = catalog.videos()
    found = dict.fromkeys(_equal(videos), Likeness(0.0, "file"))
    rows = {int(row): i for i, row in enumerate(videos["index"]) if row >= 0}
    for (one, other), likeness in near_duplicates(catalog, videos).items():
        found.setdefault((rows[one], rows[other]), likeness)
    path, category = list(videos["path"]), list(videos["category"])
    pairs = sorted(
        found, key=lambda pair: (found[pair].by != "file", found[pair].difference, path[pair[0]], path[pair[1]])
    )
    return pd.DataFrame([(path[a], category[a], path[b], category[b], *found[a, b]) for a, b in pairs], columns=COLUMNS)


def _equal(videos: pd.DataFrame) -> list[tuple[int, int]]:
    """Returns the pairs of rows of equal files: the first of them, and each other."""
    pairs = []
    first: dict[str, int] = {}
    for row, digest in enumerate(videos["sha256"]):
        if isinstance(digest, str) and digest and (begun := first.setdefault(digest, row)) != row:
            pairs.append((begun, row))
    return pairs


def near_duplicates(catalog: Catalog, videos: pd.DataFrame) -> dict[tuple[int, int], Likeness]:
    """Returns the videos that show the same, by pairs of rows of the arrays.

    Args:
        catalog: the catalog.
        videos: the table of its videos.
    """
    usable = videos[videos["index"] >= 0].sort_values("index")
    frames = usable["frames"].to_numpy()
    return _alike(catalog, frames) | _same_objects(catalog, frames)


def _same_objects(catalog: Catalog, frames: NDArray[np.int64]) -> dict[tuple[int, int], Likeness]:
    if not catalog.has("detections/offsets"):
        return {}
    candidates = {
        (min(one, int(other)), max(one, int(other)))
        for one, others in enumerate(catalog.neighbors)
        for other in others
        if other >= 0 and abs(int(frames[one]) - int(frames[other])) <= 1
    }
    found = {}
    for one, other in sorted(candidates):
        if (difference := difference_of(catalog, one, other, frames)) is not None:
            found[one, other] = Likeness(difference, "objects")
    return found


def _alike(catalog: Catalog, frames: NDArray[np.int64]) -> dict[tuple[int, int], Likeness]:
    """Compares the embeddings of all videos of about equal length, where it is known what a cosine says."""
    least = LEAST_COSINES.get(catalog.manifest.get("encoder", {}).get("sha256", ""))
    if least is None or catalog.embedding is None:
        return {}
    order = np.argsort(frames, kind="stable")
    units = catalog.embedding[order].astype(np.float32)
    units /= np.maximum(np.linalg.norm(units, axis=1, keepdims=True), np.float32(1e-30))
    stops = np.searchsorted(frames[order], frames[order] + 1, "right")
    groups = None if catalog.groups is None else catalog.groups[order]
    found = {}
    for start in range(0, len(order), _BLOCK):
        end = min(start + _BLOCK, len(order))
        cosines = units[start:end] @ units[start : stops[end - 1]].T
        for one, other in np.argwhere(cosines >= least) + start:
            if one < other < stops[one] and (groups is None or groups[one] != groups[other]):
                a, b = sorted((int(order[one]), int(order[other])))
                found[a, b] = Likeness(max(0.0, 1 - float(cosines[one - start, other - start])), "embedding")
    return found


def difference_of(catalog: Catalog, one: int, other: int, frames: NDArray[np.int64]) -> float | None:
    """Returns the difference of two videos of the catalog if they are nearly equal, else None.

    Args:
        catalog: the catalog.
        one: row of a video.
        other: row of another.
        frames: number of sampled frames of every row.
    """
    shared = int(min(frames[one], frames[other]))
    a, b = (_confidences(catalog, row, int(frames[row]))[:shared] for row in (one, other))
    c, d = np.diff(a, axis=0), np.diff(b, axis=0)
    told = np.abs(c).sum(), np.abs(d).sum()
    if min(told) < FEWEST_CHANGES or np.abs(c - d).sum() > NEAR_CHANGES * sum(told):
        return None
    difference = float(np.abs(a - b).sum() / np.maximum(a, b).sum())
    return difference if difference <= NEAR else None


def _confidences(catalog: Catalog, row: int, frames: int) -> NDArray[np.float64]:
    """Returns the largest confidence of each class in each frame of a video, float64 [frames, C]."""
    columns = catalog.detection_columns
    start, stop = columns["offsets"][row : row + 2]
    table = np.zeros((frames, len(catalog.classes)))
    np.maximum.at(
        table, (columns["frame"][start:stop], columns["class"][start:stop]), columns["confidence"][start:stop]
    )
    return table
