"""Stratified bootstrap: runs are resampled within every task, so that every task keeps its weight."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from preroll.simulations.statistics import FEWEST_FOR_BOOTSTRAP
from preroll.simulations.statistics.intervals import CONFIDENCE

REPETITIONS = 2000
_AT_ONCE = 4_000_000  # numbers in memory at a time


@dataclass(frozen=True)
class Interval:
    """A value and its 95 % interval.

    Attributes:
        value: aggregate of the scores themselves.
        low, high: ends of the interval; NaN if there are too few runs.
    """

    value: float
    low: float
    high: float


def bootstrap_interval(
    scores: ArrayLike,
    aggregate: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    repetitions: int = REPETITIONS,
    seed: int = 0,
    fewest: int = FEWEST_FOR_BOOTSTRAP,
) -> Interval:
    """Computes the percentile interval of an aggregate over runs and tasks.

    Args:
        scores: float64 [n, m].
        aggregate: function from [r, n, m] to [r]; see :mod:`preroll.simulations.statistics.aggregates`.
        repetitions: number of bootstrap samples.
        seed: seed of the resampling.
        fewest: fewest runs for an interval; with fewer it would not have its nominal coverage.

    Returns:
        The aggregate and its interval.
    """
    matrix = np.asarray(scores, np.float64)
    value = float(aggregate(matrix[None])[0])
    if len(matrix) < fewest:
        return Interval(value, np.nan, np.nan)
    drawn = resampled(matrix, aggregate, repetitions, np.random.default_rng(seed))
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(value, float(low), float(high))


def resampled(
    scores: NDArray[np.float64],
    aggregate: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    repetitions: int,
    generator: np.random.Generator,
) -> NDArray[np.float64]:
    """Returns the aggregate of bootstrap samples, drawn with replacement, float64 [repetitions, ...]."""
    n, m = scores.shape
    size = max(_AT_ONCE // scores.size, 1)
    parts = []
    for start in range(0, repetitions, size):
        rows = generator.integers(n, size=(min(size, repetitions - start), n, m))
        parts.append(aggregate(scores[rows, np.arange(m)]))
    return np.concatenate(parts)
