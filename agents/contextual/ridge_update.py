"""Updates of ridge regressions, one per ad, stored as inverses; compiled.

Large inverses do not fit in the cache: each is read twice for all rows of a group, of which a tile shares with two rows
of the inverse what is loaded. Tiles are written out, since an array of sums would not be kept in registers.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from preroll.agents.contextual.ridge import FAST
from preroll.jit import allocating

TILE = 4
GROUP = 16  # rows of one ad with which an inverse is updated at once, a multiple of TILE


@allocating(fastmath=FAST)
def absorb(
    inverses: NDArray[np.float64],
    moments: NDArray[np.float64],
    weights: NDArray[np.float64],
    features: NDArray[np.floating],
    actions: NDArray[np.int64],
    targets: NDArray[Any],
) -> None:
    """Adds every row to the regression of its ad, in place: A += xxᵀ, b += y·x, w = A⁻¹b.

    The inverse is updated by the Sherman–Morrison formula: A⁻¹ −= (A⁻¹x)(A⁻¹x)ᵀ / (1 + xᵀA⁻¹x).

    Args:
        inverses: A⁻¹ (A, d, d), updated.
        moments: b (A, d), updated.
        weights: w (A, d), updated.
        features: x (n, d).
        actions: (n,), the ad of each row.
        targets: y (n,).
    """
    n, d = features.shape
    x, gains, scales = np.empty((GROUP, d)), np.empty((GROUP, d)), np.empty(GROUP)
    for a in range(len(weights)):
        m = 0
        for i in range(n):
            if actions[i] == a:
                for j in range(d):
                    x[m, j] = features[i, j]
                    moments[a, j] += targets[i] * x[m, j]
                m += 1
            if m == GROUP or (m > 0 and i == n - 1):
                if m > 1:
                    tiled = m + -m % TILE
                    x[m:tiled] = 0.0
                    _gains(inverses[a], x, tiled, gains)
                    _condition(x, tiled, gains, scales)
                    _subtract(inverses[a], moments[a], weights[a], gains, scales, tiled)
                else:
                    _absorb_row(inverses[a], moments[a], weights[a], x[0], gains[0])
                m = 0


# What follows is inlined, so that the compiler sees that these arrays do not overlap; otherwise the loops are not
# vectorised.
@njit(inline="always")
def _gains(inverse: NDArray[np.float64], x: NDArray[np.float64], m: int, gains: NDArray[np.float64]) -> None:
    """Writes the gains A⁻¹x of the first m rows of x, a multiple of TILE."""
    d = len(inverse)
    for p in range(0, m, 4):
        for j in range(0, d - 1, 2):
            a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = 0.0
            for k in range(d):
                u, v = inverse[j, k], inverse[j + 1, k]
                x0, x1, x2, x3 = x[p, k], x[p + 1, k], x[p + 2, k], x[p + 3, k]
                a0 += u * x0
                a1 += u * x1
                a2 += u * x2
                a3 += u * x3
                b0 += v * x0
                b1 += v * x1
                b2 += v * x2
                b3 += v * x3
            gains[p, j], gains[p + 1, j], gains[p + 2, j], gains[p + 3, j] = a0, a1, a2, a3
            gains[p, j + 1], gains[p + 1, j + 1], gains[p + 2, j + 1], gains[p + 3, j + 1] = b0, b1, b2, b3
        if d % 2:
            for q in range(p, p + 4):
                total = 0.0
                for k in range(d):
                    total += inverse[d - 1, k] * x[q, k]
                gains[q, d - 1] = total


@njit(inline="always")
def _condition(x: NDArray[np.float64], m: int, gains: NDArray[np.float64], scales: NDArray[np.float64]) -> None:
    """Turns gains before any of these rows into gains after those that come first, and writes 1 / (1 + xᵀA⁻¹x)."""
    d = x.shape[1]
    for p in range(m):
        for q in range(p):
            share = 0.0
            for k in range(d):
                share += gains[q, k] * x[p, k]
            share *= scales[q]
            for k in range(d):
                gains[p, k] -= share * gains[q, k]
        total = 1.0
        for k in range(d):
            total += gains[p, k] * x[p, k]
        scales[p] = 1.0 / total


@njit(inline="always")
def _subtract(
    inverse: NDArray[np.float64],
    moment: NDArray[np.float64],
    weight: NDArray[np.float64],
    gains: NDArray[np.float64],
    scales: NDArray[np.float64],
    m: int,
) -> None:
    """Updates an inverse by the first m gains, a multiple of TILE, and computes w."""
    d = len(weight)
    for j in range(0, d - 1, 2):
        for p in range(0, m, 4):
            s0, s1, s2, s3 = scales[p], scales[p + 1], scales[p + 2], scales[p + 3]
            a0, a1, a2, a3 = gains[p, j] * s0, gains[p + 1, j] * s1, gains[p + 2, j] * s2, gains[p + 3, j] * s3
            j1 = j + 1
            b0, b1, b2, b3 = gains[p, j1] * s0, gains[p + 1, j1] * s1, gains[p + 2, j1] * s2, gains[p + 3, j1] * s3
            for k in range(d):
                g0, g1, g2, g3 = gains[p, k], gains[p + 1, k], gains[p + 2, k], gains[p + 3, k]
                inverse[j, k] -= a0 * g0 + a1 * g1 + a2 * g2 + a3 * g3
                inverse[j1, k] -= b0 * g0 + b1 * g1 + b2 * g2 + b3 * g3
        one, two = 0.0, 0.0
        for k in range(d):
            one += inverse[j, k] * moment[k]
            two += inverse[j + 1, k] * moment[k]
        weight[j], weight[j + 1] = one, two
    if d % 2:
        total = 0.0
        for k in range(d):
            change = 0.0
            for q in range(m):
                change += gains[q, d - 1] * scales[q] * gains[q, k]
            inverse[d - 1, k] -= change
            total += inverse[d - 1, k] * moment[k]
        weight[d - 1] = total


@njit(inline="always")
def _absorb_row(
    inverse: NDArray[np.float64],
    moment: NDArray[np.float64],
    weight: NDArray[np.float64],
    x: NDArray[np.float64],
    gains: NDArray[np.float64],
) -> None:
    """Updates an inverse with a single row, in which most features may be 0, and computes w."""
    d = len(weight)
    total = 1.0
    for j in range(d):
        gain = 0.0
        for k in range(d):
            gain += inverse[j, k] * x[k]
        gains[j] = gain
        total += gain * x[j]
    for j in range(d):
        share = gains[j] / total
        if share != 0.0:  # else this row of the inverse does not change
            for k in range(d):
                inverse[j, k] -= share * gains[k]
        mean = 0.0
        for k in range(d):
            mean += inverse[j, k] * moment[k]
        weight[j] = mean
