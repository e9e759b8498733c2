"""The optimal policy in a form that people can read: the best ad by category, slot and fatigue."""

import numpy as np
from numpy.typing import NDArray

from preroll.envs.optimum.optimum import Optimum


def best_ads(optimum: Optimum, segment: int = 0) -> dict[str, NDArray[np.int64]]:
    """The best ad for most videos of each category that has videos, int [T, F], for a user of one segment.

    Videos of one category can differ, for they lead to different next videos; the majority is shown, and of equally
    good ads the first. Where the last ad matters, it is the best one after none.
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
