"""Holm's correction for multiple comparisons."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Adjusts p values so that the family-wise error rate stays below the level (Holm 1979).

    The i-th smallest of k is multiplied by k − i (i from 0); no adjusted value is smaller than the one before it, or
    larger than 1.

    Args:
        p: float64 [k].

    Returns:
        Adjusted p values, float64 [k], in the order of ``p``.

    Examples:
        >>> holm([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, np.float64)
    order = np.argsort(values, kind="stable")
    raised = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(raised, 1.0)
    return adjusted
