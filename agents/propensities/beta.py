"""Probability that each of several scaled Beta variables is the largest."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betainccinv

from preroll.agents.propensities.quadrature import BEYOND, WEIGHTS


def probability_of_being_best(
    views: NDArray[np.float64], skips: NDArray[np.float64], rewards: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Computes P(reward[a] · X[a] is the largest) for independent X[a] ~ Beta(views[a], skips[a]).

    P(a) = E over X[a] of the product over b ≠ a of P(reward[b] · X[b] < reward[a] · X[a]). The expectation is a sum
    over the quadrature nodes of X[a]'s distribution (:mod:`preroll.agents.propensities.quadrature`), and the results
    are normalised to sum to 1. Ads without a reward have probability 0, unless all are without one: then all are equal.

    Args:
        views: first parameters (A,).
        skips: second parameters (A,).
        rewards: (A,).

    Returns:
        float64 (A,).

    Examples:
        >>> probability_of_being_best(np.ones(2), np.ones(2), np.array([1.0, 1.0])).round(3)
        array([0.5, 0.5])
    """
    paying = np.flatnonzero(rewards > 0)
    if not paying.size:
        return np.full(len(rewards), 1 / len(rewards))
    views, skips, pay = views[paying], skips[paying], rewards[paying]
    points = betainccinv(views[:, None], skips[:, None], BEYOND) * pay[:, None]
    below = betainc(views, skips, np.minimum(points[:, :, None] / pay, 1.0))  # (a, point, b)
    below[np.arange(len(pay)), :, np.arange(len(pay))] = 1.0  # the factor b = a
    best = below.prod(axis=2) @ WEIGHTS
    result = np.zeros(len(rewards))
    result[paying] = best / best.sum()
    return result
