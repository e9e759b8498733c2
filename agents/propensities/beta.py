"""The probability that each of several scaled Beta variables is the largest."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betainccinv

from preroll.agents.propensities.quadrature import BEYOND, WEIGHTS


def probability_of_being_best(
    views: NDArray[np.float64], skips: NDArray[np.float64], rewards: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Gives P(reward[a] · X[a] is the largest) (A,) for independent X[a] ~ Beta(views[a], skips[a]).

    P(a) = E over X[a] of the product over b ≠ a of P(reward[b] · X[b] < reward[a] · X[a]), the expectation being a sum
    over the mid-points of slices of X[a]'s distribution (:mod:`preroll.agents.propensities.quadrature`). Ads without a
    reward share what is left only if all are without one.

    >>> probability_of_being_best(np.ones(2), np.ones(2), np.array([1.0, 1.0])).round(3)
    array([0.5, 0.5])
    """
    paying = np.flatnonzero(rewards > 0)
    if not paying.size:
        return np.full(len(rewards), 1 / len(rewards))
    views, skips, pay = views[paying], skips[paying], rewards[paying]
    points = betainccinv(views[:, None], skips[:, None], BEYOND) * pay[:, None]
    below = betainc(views, skips, np.minimum(points[:, :, None] / pay, 1.0))  # (a, point, b)
    below[np.arange(len(pay)), :, np.arange(len(pay))] = 1.0
    best = below.prod(axis=2) @ WEIGHTS
    result = np.zeros(len(rewards))
    result[paying] = best / best.sum()
    return result
