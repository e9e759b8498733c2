"""Ridge regressions side by side, one for each ad, kept as inverses and updated row by row.

The kernels run over all lanes inside compiled code; one lane takes the same path, so a batch of one is the textbook's
sequence.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

# Sums may be reordered for speed, but NaN and infinity keep their meaning.
_FAST = {"reassoc", "contract", "nsz"}


@njit(cache=True, fastmath=_FAST)
def predict(
    inverses: NDArray[np.float64], weights: NDArray[np.float64], features: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gives the mean w[a]ᵀx and the width √(xᵀA[a]⁻¹x), each (n, A).

    Args:
        inverses: A[a]⁻¹ (A, d, d), symmetric.
        weights: w[a] (A, d).
        features: x (n, d).
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


@njit(cache=True, fastmath=_FAST)
def absorb(
    inverses: NDArray[np.float64],
    moments: NDArray[np.float64],
    weights: NDArray[np.float64],
    features: NDArray[np.float64],
    ads: NDArray[np.int64],
    targets: NDArray[np.float64],
) -> None:
    """Adds every row to the regression of its ad, in place: A += xxᵀ, b += y·x, w = A⁻¹b.

    The inverse follows by Sherman and Morrison: A⁻¹ −= (A⁻¹x)(A⁻¹x)ᵀ / (1 + xᵀA⁻¹x).
    """
    n, d = features.shape
    gain = np.empty(d)
    touched = np.zeros(len(weights), dtype=np.bool_)
    for i in range(n):
        a = ads[i]
        touched[a] = True
        for j in range(d):
            gain[j] = 0.0
        scale = 1.0
        for j in range(d):
            x = features[i, j]
            if x == 0.0:
                continue
            for k in range(d):
                gain[k] += inverses[a, j, k] * x
            moments[a, j] += targets[i] * x
        for j in range(d):
            scale += gain[j] * features[i, j]
        for j in range(d):
            step = gain[j] / scale
            for k in range(d):
                inverses[a, j, k] -= step * gain[k]
    for a in range(len(weights)):
        if touched[a]:
            for j in range(d):
                total = 0.0
                for k in range(d):
                    total += inverses[a, j, k] * moments[a, k]
                weights[a, j] = total
