"""Precision and recall of thresholded probabilities, per class and averaged, and thresholds of maximum F1."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.perception.prediction.metrics.average_precision import average_precision

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClassScores:
    """Precision, recall and average precision (AP) of each of K classes, and their averages.

    Attributes:
        precision, recall, average_precision: float64 [K]; NaN for a class without positives.
        support: int64 [K], number of positives.
        micro: precision, recall and AP of all pairs (video, class), pooled.
    """

    precision: Floats
    recall: Floats
    average_precision: Floats
    support: NDArray[np.int64]
    micro: tuple[float, float, float]

    def macro(self) -> tuple[float, float, float]:
        """Returns the means of precision, recall and AP over the classes with positives; NaN if there are none."""
        return self._mean(np.where(self.support > 0, 1.0, 0.0))

    def weighted(self) -> tuple[float, float, float]:
        """Returns the means of precision, recall and AP weighted by support; NaN if there are no positives."""
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
    """Computes precision, recall and average precision of every class, and of all pairs (video, class) pooled (micro).

    A class is predicted positive where its probability is at least the threshold. Precision = true positives /
    predicted positives (0 if there are none), recall = true positives / positives.

    Args:
        probabilities: [n, K].
        targets: bool [n, K].
        thresholds: one threshold, or one per class, [K].
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
    """Computes the threshold of each class with the largest F1 = 2·true positives / (predicted positives + positives).

    Choose thresholds on videos on which nothing else is measured. They lie halfway between two probabilities; of
    several with equal F1, the largest is returned.

    Args:
        probabilities: [n, K].
        targets: bool [n, K].

    Returns:
        float64 [K]; 0.5 for a class without positives.
    """
    chosen = np.full(targets.shape[1], 0.5)
    for k in np.flatnonzero(targets.any(0)):
        order = np.argsort(-probabilities[:, k], kind="stable")
        line = probabilities[order, k].astype(np.float64)
        f1 = 2 * np.cumsum(targets[order, k]) / (np.arange(1, len(line) + 1) + targets[:, k].sum())
        # A threshold can only lie between two different probabilities.
        below = np.append(line[1:], 0.0)
        best = int(np.argmax(np.where(line > below, f1, -1)))
        chosen[k] = (line[best] + below[best]) / 2
    return chosen
