"""Paired differences of agents evaluated with common random numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr

from preroll.simulations.statistics.intervals import CONFIDENCE, Mean, mean_interval


@dataclass(frozen=True)
class Paired:
    """A paired comparison.

    Attributes:
        difference: mean of a − b with Student's t interval.
        p: two-sided p value of Student's paired t test.
        variance_reduction: how many times as many independent runs would be needed for the same interval: (var a + var
            b) / var(a − b); infinite if the difference is the same in every pair.
    """

    difference: Mean
    p: float
    variance_reduction: float


def paired(a: ArrayLike, b: ArrayLike, confidence: float = CONFIDENCE) -> Paired:
    """Compares two agents pair by pair.

    Args:
        a: float64 [n], n ≥ 2, by seed.
        b: float64 [n], the other agent's in the same order.
        confidence: of the interval of the difference.

    Returns:
        Difference, p value and variance reduction.

    Examples:
        >>> result = paired([1.0, 2.0, 3.0], [0.5, 1.6, 2.4])
        >>> round(result.difference.value, 3), round(result.p, 4), round(result.variance_reduction)
        (0.5, 0.0131, 191)
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    differences = first - second
    difference = mean_interval(differences, confidence)
    apart = float(first.var(ddof=1) + second.var(ddof=1))
    together = float(differences.var(ddof=1))
    scale = max(float(np.abs(first).max()), float(np.abs(second).max()), 1e-300)
    if together <= (1e-12 * scale) ** 2:  # zero variance up to rounding: the same difference in every pair
        same = abs(difference.value) <= 1e-12 * scale
        return Paired(Mean(difference.value, 0.0), 1.0 if same else 0.0, np.inf if apart > 0 else 1.0)
    t = difference.value / (together / len(differences)) ** 0.5
    return Paired(difference, float(2 * stdtr(len(differences) - 1, -abs(t))), apart / together)
