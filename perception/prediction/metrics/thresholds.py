"""Precision and recall of yes-or-no answers, by class and over all classes, and thresholds chosen elsewhere."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.perception.prediction.metrics.average_precision import average_precision

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClassScores:
    """What is said about each of K classes, and about all of them.

    Attributes:
        precision, recall, average_precision: float64 [K]; NaN for a class without positives.
        support: int64 [K], positives.
    """

    precision: Floats
    recall: Floats
    average_precision: Floats
    support: NDArray[np.int64]
    micro: tuple[float, float, float]

    def macro(self) -> tuple[float, float, float]:
        """Means of precision, recall and AP over the classes with positives; NaN without any."""
        return self._mean(np.where(self.support > 0, 1.0, 0.0))

    def weighted(self) -> tuple[float, float, float]:
        """The same means, a class counting by its number of positives."""
        return self._mean(self.support.astype(np.float64))

    def _mean(self, weights: Floats) -> tuple[float, float, float]:
        known = weights > 0
        if not known.any():
            return (float("nan"),) * 3
        columns = (self.precision, self.recall, self.average_precision)
        first, second, third = (float(np.average(one[known], weights=weights[known])) for one in columns)
        return first, second, third


def class_scores(
    probabilities: NDArray[np.floating], targets: NDArray[np.bool_], thresholds: "float | Floats" = 0.5
) -> ClassScores:
    """Precision, recall and average precision of every class.

    precision = right answers / answers "yes" (0 where "yes" was never said), recall = right answers / positives; "yes"
    is said where the probability is at least the threshold. Micro: the same of all pairs (video, class) in one pool.

    Args:
        probabilities: [n, K].
        targets: bool [n, K].
        thresholds: one, or one per class.
    """
    said = probabilities >= thresholds
    right, answers, support = (said & targets).sum(0), said.sum(0), targets.sum(0)
    none = support == 0
    precision = np.where(none, np.nan, right / np.maximum(answers, 1))
    recall = np.where(none, np.nan, right / np.maximum(support, 1))
    by_class = np.array([average_precision(probabilities[:, k], targets[:, k]) for k in range(targets.shape[1])])
    pooled = average_precision(probabilities.ravel(), targets.ravel())
    ratios = float(right.sum() / max(answers.sum(), 1)), float(right.sum() / support.sum()) if support.sum() else np.nan
    return ClassScores(precision, recall, by_class, support, (*ratios, pooled))


def best_thresholds(probabilities: NDArray[np.floating], targets: NDArray[np.bool_]) -> Floats:
    """The threshold with the largest F1 = 2·right / (answers + positives) of each class, float64 [K].

    Choose them on videos that nothing else is measured on. They lie halfway between two probabilities; 0.5 for a class
    without positives; of several the largest.
    """
    chosen = np.full(targets.shape[1], 0.5)
    for k in np.flatnonzero(targets.any(0)):
        order = np.argsort(-probabilities[:, k], kind="stable")
        line = probabilities[order, k].astype(np.float64)
        f1 = 2 * np.cumsum(targets[order, k]) / (np.arange(1, len(line) + 1) + targets[:, k].sum())
        below = np.append(line[1:], 0.0)
        best = int(np.argmax(np.where(line > below, f1, -1)))
        chosen[k] = (line[best] + below[best]) / 2
    return chosen
