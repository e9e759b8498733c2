"""Batched form of ``choose`` in :mod:`preroll.agents.contextual.ridge`, vectorised along blocks of lanes.

Each entry of an inverse is multiplied with a whole block of lanes at once, and only one half of the symmetric inverse
is read. That takes a third of the time of the row-by-row form, unless most features are 0, which the latter skips.
Sums are added in another order, so scores differ by rounding.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from preroll.agents.contextual.ridge import FAST
from preroll.jit import allocating

BLOCK = 64  # lanes per block; measured: 16 and 256 are slower
FEWEST = 16  # smallest number of rows for which this form is faster (measured)
DENSE = 1 / 3  # smallest share of nonzero features for which it is, with 100 features (measured)


def pays(features: NDArray[np.floating]) -> bool:
    """Checks whether :func:`choose_lanes` is faster than ``choose`` for ``features`` (n, d), judged by the first rows.

    Examples:
        >>> pays(np.ones((64, 16))), pays(np.ones((1, 16))), pays(np.eye(64))
        (True, False, False)
    """
    first = features[:BLOCK]
    return len(features) >= FEWEST and int(np.count_nonzero(first)) >= DENSE * first.size


@allocating(fastmath=FAST)
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
    """Computes what :func:`preroll.agents.contextual.ridge.choose` does; same arguments, outputs and results."""
    n, d = features.shape
    x = np.zeros((d + d % 2, BLOCK))
    mean, half, row, below = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    ties = 0
    total = 0.0
    for start in range(0, n, BLOCK):
        m = min(BLOCK, n - start)
        for i in range(m):
            for j in range(d):
                x[j, i] = features[start + i, j]
        for a in range(len(weights)):
            _predict_block(inverses, weights, a, x, m, mean, half, row, below)
            for i in range(m):
                width = np.sqrt(max(2.0 * half[i], 0.0))
                total += width
                scores[start + i, a] = pay[a] * (mean[i] + factor * noise[start + i, a] * width)
        ties += _pick_block(scores[start : start + m], tolerance, choice[start : start + m])
    return ties, total / (n * len(weights))


# Inlined, so that the compiler sees that these arrays do not overlap; otherwise the loops are not vectorised.
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
    below: NDArray[np.float64],
) -> None:
    """Writes w[a]ᵀx and ½ xᵀA[a]⁻¹x of the first m columns of x into ``mean`` and ``half``.

    x is (d, BLOCK), with a row of zeros below where d is odd.
    """
    d = weights.shape[1]
    mean[:m] = 0.0
    half[:m] = 0.0
    for j in range(0, d, 2):  # two rows at a time, and four columns: what they share is loaded once
        last = min(j + 1, d - 1)  # where d is odd, the row of zeros in x belongs to it
        # half the quadratic form: lower triangle plus half the diagonal
        upper, corner, lower = 0.5 * inverses[a, j, j], inverses[a, last, j], 0.5 * inverses[a, last, last]
        for i in range(m):
            row[i] = upper * x[j, i]
            below[i] = corner * x[j, i] + lower * x[j + 1, i]
        one, two = inverses[a, j], inverses[a, last]
        fours = j // 4 * 4
        for k in range(0, fours, 4):
            p, q, r, s = one[k], one[k + 1], one[k + 2], one[k + 3]
            t, u, v, w = two[k], two[k + 1], two[k + 2], two[k + 3]
            for i in range(m):
                row[i] += p * x[k, i] + q * x[k + 1, i] + r * x[k + 2, i] + s * x[k + 3, i]
                below[i] += t * x[k, i] + u * x[k + 1, i] + v * x[k + 2, i] + w * x[k + 3, i]
        for k in range(fours, j):
            for i in range(m):
                row[i] += one[k] * x[k, i]
                below[i] += two[k] * x[k, i]
        v, w = weights[a, j], weights[a, last]
        for i in range(m):
            mean[i] += v * x[j, i] + w * x[j + 1, i]
            half[i] += row[i] * x[j, i] + below[i] * x[j + 1, i]


@allocating()
def _pick_block(scores: NDArray[np.float64], tolerance: float, choice: NDArray[np.int64]) -> int:
    """Writes the first maximiser of each row of ``scores`` (m, A) and returns the number of rows with ties."""
    ties = 0
    for i in range(len(scores)):
        best, size = 0, 0.0
        for a in range(scores.shape[1]):
            size = max(size, abs(scores[i, a]))
            if scores[i, a] > scores[i, best]:
                best = a
        choice[i] = best
        near = 0
        for a in range(scores.shape[1]):
            near += scores[i, a] >= scores[i, best] - tolerance * size
        ties += near > 1
    return ties
