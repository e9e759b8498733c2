"""Compiled ridge regressions, one per ad, stored as inverses and updated by a few rows at a time.

The kernels loop over all lanes inside compiled code; a single lane takes the same path, so that a batch of one
reproduces the textbook's sequence. Observations may be float32: each row is converted when it is read.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from preroll.jit import allocating

# Sums may be reordered for speed; "nnan" and "ninf" are left out, so that NaN and infinity keep their meaning.
FAST = {"reassoc", "contract", "nsz"}
GROUP = 8  # rows of one ad with which an inverse is updated at once, even (measured: 16 is no faster)


@allocating(fastmath=FAST)
def predict(
    inverses: NDArray[np.float64], weights: NDArray[np.float64], features: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Computes the mean w[a]ᵀx and the width √(xᵀA[a]⁻¹x).

    Args:
        inverses: A[a]⁻¹ (A, d, d), symmetric.
        weights: w[a] (A, d).
        features: x (n, d).

    Returns:
        means: float64 (n, A).
        widths: float64 (n, A).
    """
    n, d = features.shape
    n_actions = len(weights)
    means = np.empty((n, n_actions))
    widths = np.empty((n, n_actions))
    for i in range(n):
        for a in range(n_actions):
            mean = 0.0
            square = 0.0
            for j in range(d):
                if features[i, j] == 0.0:  # one-hot parts: most entries
                    continue
                row = 0.0
                for k in range(d):
                    row += inverses[a, j, k] * features[i, k]
                mean += weights[a, j] * features[i, j]
                square += row * features[i, j]
            means[i, a] = mean
            widths[i, a] = np.sqrt(max(square, 0.0))
    return means, widths


@allocating(fastmath=FAST)
def choose(
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
    """Scores every ad by pay[a]·(w[a]ᵀx + factor·noise[a]·√(xᵀA[a]⁻¹x)) and picks the first of the best.

    All in one call, because a call costs more than this computation; many lanes use
    :mod:`preroll.agents.contextual.ridge_batched`.

    Args:
        inverses: A[a]⁻¹ (A, d, d), symmetric.
        weights: w[a] (A, d).
        pay: (A,).
        features: x (n, d).
        factor: factor of the width.
        noise: (n, A).
        tolerance: scores this close to the best tie with it, as a share of the row's largest magnitude.
        scores: (n, A), output.
        choice: (n,), output.

    Returns:
        ties: number of rows with ties.
        width: mean of √(xᵀA[a]⁻¹x) over rows and ads.
    """
    n, d = features.shape
    n_actions = len(weights)
    x = np.empty(d)
    ties = 0
    total = 0.0
    for i in range(n):
        for j in range(d):
            x[j] = features[i, j]
        largest, size = -np.inf, 0.0
        for a in range(n_actions):
            mean = 0.0
            square = 0.0
            for j in range(d):
                if x[j] == 0.0:  # one-hot parts: most entries
                    continue
                row = 0.0
                for k in range(d):
                    row += inverses[a, j, k] * x[k]
                mean += weights[a, j] * x[j]
                square += row * x[j]
            width = np.sqrt(max(square, 0.0))
            total += width
            score = pay[a] * (mean + factor * noise[i, a] * width)
            scores[i, a] = score
            size = max(size, abs(score))
            if score > largest:
                largest = score
                choice[i] = a
        near = 0
        for a in range(n_actions):
            near += scores[i, a] >= largest - tolerance * size
        ties += near > 1
    return ties, total / (n * n_actions)


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
    x, gains = np.empty((GROUP, d)), np.empty((GROUP, d))
    for a in range(len(weights)):
        m = 0
        for i in range(n):
            if actions[i] == a:
                for j in range(d):
                    x[m, j] = features[i, j]
                    moments[a, j] += targets[i] * x[m, j]
                m += 1
            if m == GROUP or (m > 0 and i == n - 1):
                x[m : m + m % 2] = 0.0
                _absorb_group(inverses[a], moments[a], weights[a], x, m + m % 2, gains)
                m = 0


# Inlined, so that the compiler sees that these arrays do not overlap; otherwise the loops are not vectorised.
@njit(inline="always")
def _absorb_group(
    inverse: NDArray[np.float64],
    moment: NDArray[np.float64],
    weight: NDArray[np.float64],
    x: NDArray[np.float64],
    m: int,
    gains: NDArray[np.float64],
) -> None:
    """Updates an inverse with the first m rows of x, an even number, and computes w.

    Large inverses do not fit in the cache: each is read twice for all rows, two of which share what is loaded.
    """
    d = len(weight)
    for j in range(d):  # the gains A⁻¹x before any of these rows …
        for p in range(0, m, 2):
            one, two = 0.0, 0.0
            for k in range(d):
                one += inverse[j, k] * x[p, k]
                two += inverse[j, k] * x[p + 1, k]
            gains[p, j], gains[p + 1, j] = one, two
    scales = np.empty(GROUP)
    for p in range(m):  # … and after those that come first
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
    for j in range(d):
        for p in range(0, m, 2):
            one, two = gains[p, j] * scales[p], gains[p + 1, j] * scales[p + 1]
            if one == 0.0 and two == 0.0:  # this row of the inverse does not change
                continue
            for k in range(d):
                inverse[j, k] -= one * gains[p, k] + two * gains[p + 1, k]
        total = 0.0
        for k in range(d):
            total += inverse[j, k] * moment[k]
        weight[j] = total
