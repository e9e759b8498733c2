"""Ridge regression for several penalties, and linear support vector regression, both with sample weights."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def ridge_paths(z: Floats, y: Floats, weights: Floats, penalties: tuple[float, ...]) -> list[tuple[Floats, float]]:
    """Minimises Σ weight · (y − z·w − b)² + penalty · |w|² for each penalty.

    The system is solved in its dual form with n instead of the many more d unknowns: w = Zᵀ (Z Zᵀ + penalty)⁻¹ y with
    weighted, centred clips Z.

    Args:
        z: float64 [n, d], features.
        y: float64 [n], scores.
        weights: float64 [n], positive sample weights.
        penalties: at least one penalty, all positive.

    Returns:
        (w float64 [d], b) for each penalty.
    """
    center = np.average(z, axis=0, weights=weights)
    level = float(np.average(y, weights=weights))
    root = np.sqrt(weights)
    inner = (z - center) * root[:, None]
    gram, target = inner @ inner.T, (y - level) * root
    shares = [np.linalg.solve(gram + penalty * np.eye(len(y)), target) for penalty in penalties]
    found = inner.T @ np.column_stack(shares)
    return [(w, level - float(center @ w)) for w in found.T]


def linear_svr(z: Floats, y: Floats, weights: Floats, penalty: float) -> tuple[Floats, float]:
    """Fits a support vector regression with a linear kernel and an ε-tube of 0.05.

    Args:
        z: float64 [n, d], features.
        y: float64 [n], scores.
        weights: float64 [n], sample weights; they scale C relative to their mean.
        penalty: C.

    Returns:
        (w float64 [d], b).
    """
    from sklearn.svm import SVR

    model = SVR(kernel="precomputed", C=penalty, epsilon=0.05)
    model.fit(z @ z.T, y, sample_weight=weights / weights.mean())
    return z[model.support_].T @ model.dual_coef_[0], float(model.intercept_[0])
