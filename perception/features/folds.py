"""Folds of a cross-validation that keep groups together, and near copies that are on both sides of one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
#: Rows to learn from and rows to judge, by fold.
Folds = list[tuple[Rows, Rows]]
#: Two vectors are nearly identical if their distance is at most this share of their length.
NEAR = 0.01


def stratified_folds(
    labels: NDArray[np.integer], classes: int, groups: NDArray[np.int64] | None = None, *, most: int = 5, seed: int = 0
) -> Folds | None:
    """Cuts rows into folds with about the same share of every class, all rows of a group in one.

    Args:
        labels: int [n], 0 … classes − 1.
        classes: number of classes.
        groups: int64 [n], such as the clip of which a row is a piece; without them every row is a group.
        most: largest number of folds; there are at most as many as the class with the fewest groups has.
        seed: seed of the shuffle.

    Returns:
        The folds, in each of which there is a row of every class to learn from; None if there are no two.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    every = np.arange(len(labels)) if groups is None else groups
    class_of_pair = np.unique(np.column_stack((labels, every)), axis=0)[:, 0]
    fewest = int(np.bincount(class_of_pair, minlength=classes).min())
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    for number in range(min(most, fewest), 1, -1):
        splitter = kind(number, shuffle=True, random_state=seed)
        folds = [(train, test) for train, test in splitter.split(np.zeros(len(labels)), labels, groups)]
        # Groups with rows of several classes can leave a fold empty, or without a class to learn.
        if all(len(test) and len(np.unique(labels[train])) == classes for train, test in folds):
            return folds
    return None


def near_copies(vectors: NDArray[np.floating], folds: Sequence[tuple[Rows, Rows]]) -> NDArray[np.int64]:
    """Finds judged rows that are nearly identical to one that the judge learned from: too easy, unless they are chance.

    Args:
        vectors: [n, d]; rows of zeros are passed over.
        folds: rows to learn from and rows to judge.

    Returns:
        int64 [m, 2], such rows in increasing order, and for each the closest row that was learned from.
    """
    from scipy.fft import dct
    from scipy.spatial import KDTree

    # Equal vectors once: a search tree cannot part them, and thousands of videos may tie.
    rows = np.ascontiguousarray(vectors)
    keys = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    _, first, same = np.unique(keys, return_index=True, return_inverse=True)
    # The transform keeps distances and spreads every coordinate over all: a tree is slow where most are zero.
    points = dct(rows[first].astype(np.float64), axis=1, norm="ortho")
    lengths = np.linalg.norm(points, axis=1)
    found: dict[int, int] = {}
    for train, test in folds:
        learned, where = np.unique(same[train], return_index=True)
        judged = np.unique(same[test])
        judged = judged[lengths[judged] > 0]
        if not len(learned) or not len(judged):
            continue
        reach = NEAR * lengths[judged].max()
        distance, at = KDTree(points[learned]).query(points[judged], distance_upper_bound=np.nextafter(reach, np.inf))
        close = distance <= NEAR * lengths[judged]
        twin = dict(zip(judged[close].tolist(), train[where[at[close]]].tolist(), strict=True))
        found |= {int(row): twin[key] for row, key in zip(test, same[test].tolist(), strict=True) if key in twin}
    return np.array(sorted(found.items()), np.int64).reshape(-1, 2)
