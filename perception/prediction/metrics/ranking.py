"""Ranking metrics of multi-label scores, within each video or pooled over all videos.

Throughout, ``scores`` is float [n, K] and ``targets`` bool [n, K]. Equal scores are ordered by class number.
"""

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]
Targets = NDArray[np.bool_]


def best_classes(scores: Scores, k: int) -> NDArray[np.int64]:
    """Returns the k classes with the largest scores of every video, best first, int64 [n, min(k, K)]."""
    k = min(k, scores.shape[1])
    # A partition alone breaks ties arbitrarily, so all classes that tie with the k-th score are candidates.
    edge = -np.partition(-scores, k - 1, axis=1)[:, k - 1]
    best = np.empty((len(scores), k), np.int64)
    for row, (line, least) in enumerate(zip(scores, edge, strict=True)):
        candidates = np.flatnonzero(line >= least)
        best[row] = candidates[np.argsort(-line[candidates], kind="stable")[:k]]
    return best


def global_average_precision(scores: Scores, targets: Targets, k: int = 20) -> float:
    """Computes GAP@k: the average precision of the k best pairs (video, class) of every video, pooled.

    GAP = Σ over pooled pairs i, by decreasing score, of precision(i) · [pair i is right] / P, where P counts *all*
    labels of all videos, including those outside the k best. (YouTube-8M challenge, with k = 20.)

    Returns:
        GAP in [0, 1]; NaN if there are no labels.
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
    """Computes Hit@k: the share of videos with at least one of their labels among the k best classes.

    Videos without labels are left out; NaN if no video has labels.
    """
    known = targets.any(1)
    best = best_classes(scores[known], k)
    hits: NDArray[np.bool_] = np.take_along_axis(targets[known], best, 1).any(1)  # type: ignore[assignment]
    return _mean(hits)


def precision_at_equal_recall(scores: Scores, targets: Targets) -> float:
    """Computes PERR: the share of labels among the m best classes of a video with m labels, averaged over videos.

    Videos without labels are left out; NaN if no video has labels.
    """
    shares = []
    for line, true in zip(scores, targets, strict=True):
        if m := int(true.sum()):
            shares.append(true[best_classes(line[None], m)[0]].mean())
    return _mean(shares)


def label_ranking_average_precision(scores: Scores, targets: Targets) -> float:
    """Computes the label ranking average precision (LRAP), averaged over videos.

    The value of a video is the mean over its labels of (labels ranked at least as high) / (classes ranked at least as
    high). Ties count against the label, as in scikit-learn; videos without labels, or with all of them, count as 1
    there and are left out here. NaN if no video is left.
    """
    values = []
    for line, true in zip(scores, targets, strict=True):
        if true.any() and not true.all():
            own, everyone = np.sort(line[true]), np.sort(line)
            above = len(everyone) - np.searchsorted(everyone, line[true], "left")
            values.append(((len(own) - np.searchsorted(own, line[true], "left")) / above).mean())
    return _mean(values)


def mean_reciprocal_rank_of_labels(scores: Scores, targets: Targets) -> float:
    """Computes the mean over a video's labels of 1 / rank among all K classes (best: 1), averaged over videos.

    Videos without labels are left out; NaN if no video has labels. An often-copied evaluation script prints this value
    under the name "gap". It is not the global average precision: nothing is pooled, and a label that ranks behind
    another label is penalised.
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
