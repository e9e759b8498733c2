"""Predictions and choices of ridge regressions, one per ad, stored as inverses; compiled.

The kernels loop over all lanes inside compiled code; a single lane takes the same path, so that a batch of one
reproduces the textbook's sequence. Observations may be float32: each row is converted when it is read.
"""

import numpy as np
from numpy.typing import NDArray

from preroll.jit import allocating

# Sums may be reordered for speed; "nnan" and "ninf" are left out, so that NaN and infinity keep their meaning.
FAST = {"reassoc", "contract", "nsz"}


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
