"""Readable summary of the optimal policy: the best ad by category, slot and fatigue."""

import numpy as np
from numpy.typing import NDArray

from preroll.envs.optimum.optimum import Optimum


def best_ads(optimum: Optimum, segment: int = 0) -> dict[str, NDArray[np.int64]]:
    """Returns the best ad for most videos of each category, for a user of one segment.

    Videos of one category can differ, because they lead to different next videos; the majority decides, and ties go to
    the first ad. Where the last ad matters, the state without a previous ad is used.

    Returns:
        int [T, F] by name of the category; categories without videos are omitted.
    """
    tables = optimum.tables
    ads = optimum.policy.ads
    assert ads is not None
    by_video = ads[0, segment, ..., -1]  # [T, N, F]
    category = np.asarray(tables.category)
    chosen = {}
    for k, name in enumerate(tables.catalog.categories):
        own = by_video[:, category == k]
        if own.shape[1]:
            votes = np.stack([(own == ad).sum(axis=1) for ad in range(tables.n_actions)])
            chosen[name] = votes.argmax(axis=0)
    return chosen
