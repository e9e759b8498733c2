"""The choice of :mod:`preroll.agents.contextual.ridge` for many lanes, computed along the lanes, block by block.

Each number of an inverse is multiplied with a whole block of lanes at once, and as the inverse is symmetric one half of
it does. That takes a third of the time of row by row, unless most numbers are 0, which the latter leaves out. Sums are
added in another order, so that scores differ by rounding.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from preroll.agents.contextual.ridge import FAST

BLOCK = 64  # lanes side by side; measured: 16 and 256 are slower
FEWEST = 16  # rows from which on this is the faster way (measured)
DENSE = 1 / 3  # share of numbers other than 0 from which on it is, with 100 numbers of context (measured)


def pays(features: NDArray[np.floating]) -> bool:
    """Whether :func:`choose_lanes` is faster than ``choose`` for ``features`` (n, d), by the first of its rows.

    >>> pays(np.ones((64, 16))), pays(np.ones((1, 16))), pays(np.eye(64))
    (True, False, False)
    """
    first = features[:BLOCK]
    return len(features) >= FEWEST and int(np.count_nonzero(first)) >= DENSE * first.size


@njit(cache=True, fastmath=FAST)
def choose_lanes(
    inverses: NDArray[np.float64],
    weights: NDArray[np.float64],
    pay: NDArray[np.float64],
    features: NDArray[np.floating],
    factor: float,
    noise: NDArray[np.float64],
    tolerance: float,
    scores: NDArray[np.float64],
    choice: NDArray[np.int64],
) -> tuple[int, float]:
    """As :func:`preroll.agents.contextual.ridge.choose`, with the same arguments, written arrays and results."""
    n, d = features.shape
    x, mean, half, row = np.empty((d, BLOCK)), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    ties = 0
    total = 0.0
    for start in range(0, n, BLOCK):
        m = min(BLOCK, n - start)
        for i in range(m):
            for j in range(d):
                x[j, i] = features[start + i, j]
        for a in range(len(weights)):
            _predict_block(inverses, weights, a, x, m, mean, half, row)
            for i in range(m):
                width = np.sqrt(max(2.0 * half[i], 0.0))
                total += width
                scores[start + i, a] = pay[a] * (mean[i] + factor * noise[start + i, a] * width)
        ties += _pick_block(scores[start : start + m], tolerance, choice[start : start + m])
    return ties, total / (n * len(weights))


# Inlined, so that the compiler sees that these arrays share no memory, without which nothing runs side by side.
@njit(inline="always")
def _predict_block(
    inverses: NDArray[np.float64],
    weights: NDArray[np.float64],
    a: int,
    x: NDArray[np.float64],
    m: int,
    mean: NDArray[np.float64],
    half: NDArray[np.float64],
    row: NDArray[np.float64],
) -> None:
    """Writes w[a]ᵀx and ½ xᵀA[a]⁻¹x of the first m columns of x (d, BLOCK) into ``mean`` and ``half``."""
    for i in range(m):
        mean[i] = 0.0
        half[i] = 0.0
    for j in range(len(x)):
        diagonal = 0.5 * inverses[a, j, j]
        for i in range(m):
            row[i] = diagonal * x[j, i]
        for k in range(j):
            entry = inverses[a, j, k]
            for i in range(m):
                row[i] += entry * x[k, i]
        w = weights[a, j]
        for i in range(m):
            mean[i] += w * x[j, i]
            half[i] += row[i] * x[j, i]


@njit(cache=True)
def _pick_block(scores: NDArray[np.float64], tolerance: float, choice: NDArray[np.int64]) -> int:
    """Writes the first of the best of every row of ``scores`` (m, A); gives how many rows have a tie."""
    ties = 0
    for i in range(len(scores)):
        best = 0
        for a in range(1, scores.shape[1]):
            if scores[i, a] > scores[i, best]:
                best = a
        choice[i] = best
        near = 0
        for a in range(scores.shape[1]):
            near += scores[i, a] >= scores[i, best] - tolerance
        ties += near > 1
    return ties
