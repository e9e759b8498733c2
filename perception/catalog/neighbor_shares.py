"""How many of the videos' neighbours are of their own category, beside what chance alone would give."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.integer[Any]]


def shares_in_category(neighbors: Indices, category: Indices, groups: Indices | None) -> tuple[float, float]:
    """Returns the share of neighbours in a video's own category, observed and expected by chance.

    Args:
        neighbors: [N, R] rows of videos, padded with −1.
        category: [N], −1 if unknown.
        groups: [N], within which neighbours do not count; None if each video stands for itself.
    """
    n_videos = len(category)
    groups = np.arange(n_videos) if groups is None else groups
    near = (neighbors >= 0) & (category[:, None] >= 0) & (groups[neighbors] != groups[:, None])
    same = (category[neighbors] == category[:, None]) & near
    known = category >= 0
    if not known.any():
        return float(same.sum() / max(near.sum(), 1)), 0.0
    of, own = category[known], groups[known]
    _, pair, kin = np.unique(of.astype(np.int64) * n_videos + own, return_inverse=True, return_counts=True)
    others = len(of) - np.bincount(own)[own]
    chance = (np.bincount(of)[of] - kin[pair]).mean() / max(others.mean(), 1)
    return float(same.sum() / max(near.sum(), 1)), float(chance)
