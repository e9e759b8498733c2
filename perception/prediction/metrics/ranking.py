"""How well scores rank the labels of a video before its other classes, and the pairs of all videos together.

Throughout: ``scores`` is float [n, K], ``targets`` bool [n, K]. Equal scores stand in the order of their classes.
"""

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]
Targets = NDArray[np.bool_]


def best_classes(scores: Scores, k: int) -> NDArray[np.int64]:
    """The k classes with the largest scores of every video, best first: int64 [n, min(k, K)]."""
    k = min(k, scores.shape[1])
    # A partition alone may cut through equal scores anywhere: everything that ties with the last one is ordered.
    edge = -np.partition(-scores, k - 1, axis=1)[:, k - 1]
    best = np.empty((len(scores), k), np.int64)
    for row, (line, least) in enumerate(zip(scores, edge, strict=True)):
        candidates = np.flatnonzero(line >= least)
        best[row] = candidates[np.argsort(-line[candidates], kind="stable")[:k]]
    return best


def global_average_precision(scores: Scores, targets: Targets, k: int = 20) -> float:
    """GAP@k: the average precision of the k best pairs (video, class) of every video, pooled.

    GAP = Σ over pooled pairs i, by falling score, of precision(i) · [pair i is right] / P, where P counts *all* labels
    of all videos, also those that no list of k holds. (YouTube-8M challenge, with k = 20.)

    Returns:
        In [0, 1]; NaN without any label.
    """
    positives = int(targets.sum())
    if not positives:
        return float("nan")
    best = best_classes(scores, k)
    pooled = np.take_along_axis(scores, best, 1).ravel()
    right = np.take_along_axis(targets, best, 1).ravel()[np.argsort(-pooled, kind="stable")]
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    return float(precision[right].sum() / positives)


def hit_at(scores: Scores, targets: Targets, k: int) -> float:
    """Hit@k: the share of videos with at least one of their labels among the k best classes.

    Videos without labels are left out; NaN where no video has any.
    """
    known = targets.any(1)
    best = best_classes(scores[known], k)
    hits: NDArray[np.bool_] = np.take_along_axis(targets[known], best, 1).any(1)  # type: ignore[assignment]
    return _mean(hits)


def precision_at_equal_recall(scores: Scores, targets: Targets) -> float:
    """PERR: for a video with m labels, the share of its m best classes that are labels; the mean over videos."""
    shares = []
    for line, true in zip(scores, targets, strict=True):
        if m := int(true.sum()):
            shares.append(true[best_classes(line[None], m)[0]].mean())
    return _mean(shares)


def label_ranking_average_precision(scores: Scores, targets: Targets) -> float:
    """LRAP: per video the mean over its labels of (labels ranked at least as high) / (classes ranked at least as high).

    Ties count against the label, as in scikit-learn; a video without labels, or with all of them, counts 1 there and
    is left out here.
    """
    values = []
    for line, true in zip(scores, targets, strict=True):
        if true.any() and not true.all():
            own, everyone = np.sort(line[true]), np.sort(line)
            above = len(everyone) - np.searchsorted(everyone, line[true], "left")
            values.append(((len(own) - np.searchsorted(own, line[true], "left")) / above).mean())
    return _mean(values)


def mean_reciprocal_rank_of_labels(scores: Scores, targets: Targets) -> float:
    """Per video the mean over its labels of 1 / rank among all K classes (best: 1), then the mean over videos.

    An often-copied evaluation script prints this under the name "gap". It is not the global average precision: it
    pools nothing, and a label that stands behind another label is punished for it.
    """
    values = []
    for line, true in zip(scores, targets, strict=True):
        if true.any():
            ranks = np.empty(len(line))
            ranks[np.argsort(-line, kind="stable")] = np.arange(1, len(line) + 1)
            values.append((1 / ranks[true]).mean())
    return _mean(values)


def _mean(values: "list[float] | NDArray[np.bool_]") -> float:
    return float(np.mean(values)) if len(values) else float("nan")
