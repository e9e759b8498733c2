"""Average precision of one class, and of all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def average_precision(scores: NDArray[np.floating], targets: NDArray[np.bool_]) -> float:
    """AP = Σ over distinct scores s of precision(≥ s) · (recall(≥ s) − recall(> s)), as in scikit-learn.

    Videos with one score enter together, so that ties need no order.

    Args:
        scores: [n], of one class.
        targets: [n], whether the class is true.

    Returns:
        In [0, 1]; NaN where the class has no positive.
    """
    if not (positives := int(targets.sum())):
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    line, hits = scores[order], np.cumsum(targets[order])
    last = np.append(line[1:] != line[:-1], True)
    hits, shown = hits[last], np.flatnonzero(last) + 1
    return float((hits / shown * np.diff(hits, prepend=0)).sum() / positives)


@dataclass(frozen=True)
class MacroAveragePrecision:
    """The average precision of every class, and their mean.

    Attributes:
        by_class: float64 [K], NaN for a class without positives.
        mean: over the classes with positives; NaN without any.
        classes: how many have positives.
        left_out: how many have none, and are no part of the mean: they are not counted as 0.
    """

    by_class: NDArray[np.float64]
    mean: float
    classes: int
    left_out: int


def macro_average_precision(scores: NDArray[np.floating], targets: NDArray[np.bool_]) -> MacroAveragePrecision:
    """The average precision of each of K classes, by :func:`average_precision`.

    Args:
        scores: [n, K].
        targets: [n, K].
    """
    by_class = np.full(targets.shape[1], np.nan)
    for k in np.flatnonzero(targets.any(0)):
        by_class[k] = average_precision(scores[:, k], targets[:, k])
    known = ~np.isnan(by_class)
    mean = float(by_class[known].mean()) if known.any() else float("nan")
    return MacroAveragePrecision(by_class, mean, int(known.sum()), int((~known).sum()))
