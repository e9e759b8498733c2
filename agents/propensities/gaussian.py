"""The probability that each of several independent normal variables, or of their images, is the largest."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from preroll.agents.propensities.quadrature import BEYOND, WEIGHTS

ROWS = 64  # rows worked on at once: 64 · A · points · A numbers

#: Takes the points (n, A, P) of every variable and gives for each the value (n, A, P, A) that variable b would need to
#: pay as much.
Matching = Callable[[NDArray[np.float64], slice], NDArray[np.float64]]


def probability_of_being_largest(
    means: NDArray[np.float64], deviations: NDArray[np.float64], matching: Matching | None = None
) -> NDArray[np.float64]:
    """Gives P(X[a] is the largest) (n, A) for independent X[a] ~ N(means[a], deviations[a]²), both (n, A).

    P(a) = E over X[a] of the product over b ≠ a of P(X[b] < X[a]), the expectation being a sum over the mid-points of
    slices of X[a]'s distribution (:mod:`preroll.agents.propensities.quadrature`).

    Args:
        means: (n, A).
        deviations: (n, A); where one is 0 the variable is a number.
        matching: where not X itself but an increasing function of it, another one for each variable, is compared: what
            X[b] must be to equal X[a], for the rows of a slice.

    >>> probability_of_being_largest(np.zeros((1, 2)), np.ones((1, 2))).round(3)
    array([[0.5, 0.5]])
    """
    n, count = means.shape
    levels = -ndtri(BEYOND)
    deviations = np.maximum(deviations, 1e-12)
    result = np.empty((n, count))
    every = np.arange(count)
    for start in range(0, n, ROWS):
        rows = slice(start, min(start + ROWS, n))
        mean, deviation = means[rows], deviations[rows]
        points = mean[:, :, None] + deviation[:, :, None] * levels
        needed = points[..., None] if matching is None else matching(points, rows)
        below = ndtr((needed - mean[:, None, None, :]) / deviation[:, None, None, :])
        below[:, every, :, every] = 1.0
        result[rows] = below.prod(axis=3) @ WEIGHTS
    total = result.sum(axis=1, keepdims=True)
    return result / np.where(total > 0, total, 1.0)
