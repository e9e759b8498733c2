"""Aggregates of runs over tasks (Agarwal et al. 2021)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def interquartile_mean(scores: ArrayLike) -> Floats:
    """Computes the mean of the middle half of all scores.

    int(N / 4) of N scores are cut at each end, as scipy's ``trim_mean`` does.

    Args:
        scores: float64 [..., n, m].

    Returns:
        float64 [...].

    Examples:
        >>> float(interquartile_mean([[0.0, 1.0], [2.0, 9.0]]))
        1.5
    """
    values = np.asarray(scores, np.float64)
    flat = np.sort(values.reshape(*values.shape[:-2], -1), axis=-1)
    cut = flat.shape[-1] // 4
    return np.asarray(flat[..., cut : flat.shape[-1] - cut].mean(axis=-1))


def optimality_gap(scores: ArrayLike, target: float = 1.0) -> Floats:
    """Computes the mean shortfall of scores from ``target``; scores above the target count as the target.

    Args:
        scores: float64 [..., n, m].
        target: 1.0 is the exact optimum where scores are shares of it.

    Returns:
        float64 [...].

    Examples:
        >>> float(optimality_gap([[0.5, 2.0]]))
        0.25
    """
    return np.asarray(target - np.minimum(np.asarray(scores, np.float64), target).mean(axis=(-2, -1)))


def probability_of_improvement(x: ArrayLike, y: ArrayLike) -> float:
    """Computes P(X > Y) + P(X = Y) / 2 for one run of each, averaged over tasks.

    This is the U statistic of Mann and Whitney over n_x · n_y.

    Args:
        x: float64 [n_x, m].
        y: float64 [n_y, m].

    Returns:
        Probability in [0, 1].

    Examples:
        >>> probability_of_improvement([[1.0], [3.0]], [[2.0], [0.0]])
        0.75
    """
    first, second = np.asarray(x, np.float64)[:, None], np.asarray(y, np.float64)[None]
    return float(((first > second) + (first == second) / 2).mean())


def performance_profile(scores: ArrayLike, thresholds: ArrayLike) -> Floats:
    """Computes the share of all runs with a score above each threshold; the higher curve is the better agent.

    Args:
        scores: float64 [..., n, m].
        thresholds: float64 [k].

    Returns:
        float64 [..., k].

    Examples:
        >>> performance_profile([[0.2, 0.8]], [0.0, 0.5, 0.9]).tolist()
        [1.0, 0.5, 0.0]
    """
    above = np.asarray(scores, np.float64)[..., None] > np.asarray(thresholds, np.float64)
    return np.asarray(above.mean(axis=(-3, -2)))
