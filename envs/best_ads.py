"""The optimal policy in a form that people can read: the best ad by category, slot and fatigue."""

import numpy as np
from numpy.typing import NDArray

from preroll.envs.optimum import Optimum


def best_ads(optimum: Optimum, segment: int = 0) -> NDArray[np.int64]:
    """The best ad for most videos of a category, int [K, T, F], for a user of one segment and without a last ad.

    Videos of one category can differ, for they lead to different next videos; the majority is shown, and of equally
    good ads the first.
    """
    tables = optimum.tables
    ads = optimum.policy.ads
    assert ads is not None
    by_video = ads[0, segment, ..., -1]  # [T, N, F]
    category = np.asarray(tables.category)
    chosen = np.zeros((len(tables.catalog.categories), *by_video.shape[::2]), dtype=np.int64)
    for k in range(len(chosen)):
        votes = np.stack([(by_video[:, category == k] == ad).sum(axis=1) for ad in range(tables.n_actions)])
        chosen[k] = votes.argmax(axis=0)
    return chosen
