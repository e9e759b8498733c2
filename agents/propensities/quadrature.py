"""Quadrature nodes for the probability of being best: equiprobable midpoints, refined geometrically in the upper tail.

Equiprobable nodes alone do not resolve the tail beyond the last midpoint: an ad that wins once in 10,000 times, by a
lucky draw of its own, was assigned a propensity of 1e-40. One such row of a log, divided by its propensity, outweighs
all others.
"""

import numpy as np
from numpy.typing import NDArray

SLICES = 256  # equiprobable slices; with 4,096 the probabilities of `classic` posteriors differ by less than 0.002
LAST = 4  # number of uppermost slices that are replaced by geometric ones
CUTS = 88  # geometric slices, each 2^(1/4) thinner than the one before; the last begins 4e-9 from the end


def _cut() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Computes the nodes and their weights.

    Returns:
        beyond: midpoint of every slice, as the probability above it; float64 (P,), decreasing.
        weights: probability of every slice, float64 (P,).
    """
    thinner = LAST / SLICES * 2.0 ** (-np.arange(CUTS) / 4)
    edges = np.concatenate([np.arange(SLICES, LAST, -1) / SLICES, thinner, [0.0]])
    return (edges[:-1] + edges[1:]) / 2, edges[:-1] - edges[1:]


#: Probability above the midpoint of every slice, decreasing, and the probability of the slice; the latter sum to 1.
BEYOND, WEIGHTS = _cut()
