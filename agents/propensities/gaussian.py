"""Probability that each of several independent normal variables, or of increasing functions of them, is the largest."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from preroll.agents.propensities.quadrature import BEYOND, WEIGHTS

ROWS = 64  # rows per block, which bounds the memory: 64 · A · nodes · A floats

#: Function of the nodes (n, A, P) of every variable and a slice of rows; returns the value (n, A, P, A) that variable b
#: must have to pay as much.
Matching = Callable[[NDArray[np.float64], slice], NDArray[np.float64]]


def probability_of_being_largest(
    means: NDArray[np.float64], deviations: NDArray[np.float64], matching: Matching | None = None
) -> NDArray[np.float64]:
    """Computes P(X[a] is the largest) for independent X[a] ~ N(means[a], deviations[a]²).

    P(a) = E over X[a] of the product over b ≠ a of P(X[b] < X[a]). The expectation is a sum over the quadrature nodes
    of X[a]'s distribution (:mod:`preroll.agents.propensities.quadrature`), and every row is normalised to sum to 1.

    Args:
        means: (n, A).
        deviations: (n, A); where one is 0 the variable is a constant.
        matching: if not the X themselves are compared but increasing functions of them, one per variable: returns the
            value that X[b] must have to equal X[a], for the rows of a slice.

    Returns:
        float64 (n, A).

    Examples:
        >>> probability_of_being_largest(np.zeros((1, 2)), np.ones((1, 2))).round(3)
        array([[0.5, 0.5]])
    """
    n, count = means.shape
    levels = -ndtri(BEYOND)
    # A constant: next to no deviation, as a share of the row's largest number, whatever its unit.
    size = np.maximum(np.abs(means), deviations).max(axis=1, keepdims=True)
    deviations = np.maximum(deviations, 1e-12 * np.where(size > 0, size, 1.0))
    result = np.empty((n, count))
    every = np.arange(count)
    for start in range(0, n, ROWS):
        rows = slice(start, min(start + ROWS, n))
        mean, deviation = means[rows], deviations[rows]
        points = mean[:, :, None] + deviation[:, :, None] * levels
        needed = points[..., None] if matching is None else matching(points, rows)
        below = ndtr((needed - mean[:, None, None, :]) / deviation[:, None, None, :])
        below[:, every, :, every] = 1.0  # the factor b = a
        result[rows] = below.prod(axis=3) @ WEIGHTS
    total = result.sum(axis=1, keepdims=True)
    return result / np.where(total > 0, total, 1.0)
