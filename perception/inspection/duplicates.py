"""Videos that a catalog has twice: equal files, and other files that show the same."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from preroll.perception.catalog.catalog import Catalog

#: Largest difference of two videos that are nearly equal, of their confidences and of the changes of these.
NEAR, NEAR_CHANGES = 0.25, 0.5
#: Smallest sum of the changes in a video of which anything can be said.
FEWEST_CHANGES = 1.0
COLUMNS = ("path", "category", "other", "other category", "difference")


def find_duplicates(catalog: Catalog) -> pd.DataFrame:
    """Finds equal files and, among the neighbours of each video, those that show the same at the same times.

    Compared is the largest confidence of each class in each frame: Σ|a − b| may be at most a quarter of Σ max(a, b).
    What is there all the time is in many videos; so of the changes from frame to frame, c and d, Σ|c − d| may be at
    most half of Σ(|c| + |d|), and their sum must be at least 1 in both videos. The numbers of sampled frames may differ
    by one. A copy that begins at another time, or in which nothing comes or goes, is not found.

    Args:
        catalog: the catalog.

    Returns:
        One row per pair with the columns ``path``, ``category``, ``other``, ``other category`` and
        ``difference`` (Σ|a − b| / Σ max(a, b); 0 for equal files), in order of difference, then path.

    Examples:
        >>> from preroll.perception import Catalog, find_duplicates
        >>> len(find_duplicates(Catalog.load("demo")))
        0
    """
    videos = catalog.videos()
    found = dict.fromkeys(_equal(videos), 0.0)
    rows = {int(row): i for i, row in enumerate(videos["index"]) if row >= 0}
    for (one, other), difference in near_duplicates(catalog, videos).items():
        found.setdefault((rows[one], rows[other]), difference)
    pairs = sorted(found, key=lambda pair: (found[pair], *videos["path"].iloc[list(pair)]))
    path, category = list(videos["path"]), list(videos["category"])
    return pd.DataFrame([(path[a], category[a], path[b], category[b], found[a, b]) for a, b in pairs], columns=COLUMNS)


def _equal(videos: pd.DataFrame) -> list[tuple[int, int]]:
    """Returns the pairs of rows of equal files: the first of them, and each other."""
    pairs = []
    first: dict[str, int] = {}
    for row, digest in enumerate(videos["sha256"]):
        if isinstance(digest, str) and digest and (begun := first.setdefault(digest, row)) != row:
            pairs.append((begun, row))
    return pairs


def near_duplicates(catalog: Catalog, videos: pd.DataFrame) -> dict[tuple[int, int], float]:
    """Returns the differences of the videos that show the same at the same times, by pairs of rows of the arrays.

    Args:
        catalog: the catalog.
        videos: the table of its videos.
    """
    if not catalog.has("detections/offsets"):
        return {}
    usable = videos[videos["index"] >= 0].sort_values("index")
    frames = usable["frames"].to_numpy()
    candidates = {
        (min(one, int(other)), max(one, int(other)))
        for one, others in enumerate(catalog.neighbors)
        for other in others
        if other >= 0 and abs(int(frames[one]) - int(frames[other])) <= 1
    }
    found = {}
    for one, other in sorted(candidates):
        if (difference := difference_of(catalog, one, other, frames)) is not None:
            found[one, other] = difference
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
