"""Average precision of one class, and its macro average over classes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def average_precision(scores: NDArray[np.floating], targets: NDArray[np.bool_]) -> float:
    """Computes the average precision of one class, as scikit-learn does.

    AP = Σ over distinct scores s of precision(≥ s) · (recall(≥ s) − recall(> s)). Videos with equal scores enter
    together, so the result does not depend on the order of ties.

    Args:
        scores: [n], scores of the class.
        targets: bool [n], whether the class is true.

    Returns:
        AP in [0, 1]; NaN if the class has no positives.
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
    """Average precision of every class, and their mean.

    Attributes:
        by_class: float64 [K]; NaN for a class without positives.
        mean: mean over the classes with positives; NaN if there are none.
        classes: number of classes with positives.
        left_out: number of classes without positives, which are excluded from the mean rather than counted as 0.
    """

    by_class: NDArray[np.float64]
    mean: float
    classes: int
    left_out: int


def macro_average_precision(scores: NDArray[np.floating], targets: NDArray[np.bool_]) -> MacroAveragePrecision:
    """Computes the average precision of each of K classes by :func:`average_precision`, and their mean.

    Args:
        scores: [n, K].
        targets: bool [n, K].
    """
    by_class = np.full(targets.shape[1], np.nan)
    for k in np.flatnonzero(targets.any(0)):
        by_class[k] = average_precision(scores[:, k], targets[:, k])
    known = ~np.isnan(by_class)
    mean = float(by_class[known].mean()) if known.any() else float("nan")
    return MacroAveragePrecision(by_class, mean, int(known.sum()), int((~known).sum()))
