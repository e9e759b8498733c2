"""Precision and recall of detected classes, and the threshold that balances them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def choose_threshold(probabilities: NDArray[np.float32], present: NDArray[np.bool_]) -> float:
    """Chooses the threshold with the largest F1 score, in steps of 0.01 from 0.2 to 0.8; the middle one of ties.

    Args:
        probabilities: [n, classes].
        present: [n, classes], the truth.
    """
    candidates = np.arange(0.20, 0.805, 0.01)
    f1: list[float] = []
    for threshold in candidates:
        found = probabilities >= threshold
        f1.append(2 * (found & present).sum() / max(1, found.sum() + present.sum()))
    best = candidates[np.array(f1) == max(f1)]
    return float(round(best[len(best) // 2], 2))


def score(found: NDArray[np.bool_], present: NDArray[np.bool_], classes: Sequence[str]) -> dict[str, Any]:
    """Computes precision and recall over all classes and for each.

    Args:
        found: [n, classes], detected classes.
        present: [n, classes], the truth.
        classes: their names.

    Returns:
        ``precision``, ``recall``, the counts behind them (``found``, ``present``, ``hits``), and ``per_class``.
    """
    total = _ratios(found, present)
    return total | {"per_class": {name: _ratios(found[:, i], present[:, i]) for i, name in enumerate(classes)}}


def _ratios(found: NDArray[np.bool_], present: NDArray[np.bool_]) -> dict[str, Any]:
    hits, n_found, n_present = int((found & present).sum()), int(found.sum()), int(present.sum())
    return {
        "precision": round(hits / max(1, n_found), 4),
        "recall": round(hits / max(1, n_present), 4),
        "found": n_found,
        "present": n_present,
        "hits": hits,
    }
