"""Selection of actions from scores or probabilities, with ties broken at random."""

import math

import numpy as np
from numpy.typing import NDArray

from preroll.envs.policies.simple import TIE, tie_bar
from preroll.jit import compiled


def maximizers(scores: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Marks the entries of each row of ``scores`` (…, A) that tie with the largest.

    Returns:
        bool (…, A).

    Examples:
        >>> maximizers(np.array([[0.2, 0.8, 0.8]]))
        array([[False,  True,  True]])
    """
    best: NDArray[np.bool_] = scores >= tie_bar(scores)
    return best


def pick_best(scores: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.int64]:
    """Picks one maximiser per row of ``scores`` (n, A), breaking ties at random.

    Args:
        scores: (n, A); entries tie with the row's largest within 1e-9 of the row's largest magnitude.
        rng: generator for ties; if there are none, no random number is drawn.

    Returns:
        int64 (n,), index of the chosen entry of each row.
    """
    choice = np.empty(len(scores), dtype=np.int64)
    if not _first_best(np.ascontiguousarray(scores, dtype=np.float64), TIE, choice):
        return choice
    settle_ties(scores, choice, rng)
    return choice


def settle_ties(scores: NDArray[np.floating], choice: NDArray[np.int64], rng: np.random.Generator) -> None:
    """Writes a random maximiser into ``choice`` (n,) for every row of ``scores`` (n, A) that has several."""
    best = maximizers(scores)
    tied = np.flatnonzero(best.sum(axis=1) > 1)
    keys = np.where(best[tied], rng.random((tied.size, scores.shape[1])), -1.0)
    choice[tied] = keys.argmax(axis=1)


@compiled
def _first_best(scores: NDArray[np.float64], tolerance: float, choice: NDArray[np.int64]) -> int:
    """Writes the first maximiser of every row into ``choice`` and returns the number of rows with ties."""
    ties = 0
    for i in range(scores.shape[0]):
        largest, size = scores[i, 0], 0.0
        for a in range(scores.shape[1]):
            largest = max(largest, scores[i, a])
            if math.isfinite(scores[i, a]):
                size = max(size, abs(scores[i, a]))
        found = 0
        for a in range(scores.shape[1]):
            if scores[i, a] >= largest - tolerance * size:
                if found == 0:
                    choice[i] = a
                found += 1
        ties += found > 1
    return ties


def sample_actions(probabilities: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draws one action per row of ``probabilities`` (n, A) by inverting the cumulative sum.

    The uniform number is scaled by the row's own sum, which for float32 probabilities differs from 1 by about 1e-7. An
    action of probability 0 is never drawn.

    Returns:
        int64 (n,), the action of each row.
    """
    cumulative = np.cumsum(probabilities, axis=1, dtype=np.float64)
    points = rng.random(len(probabilities)) * cumulative[:, -1]
    choice: NDArray[np.int64] = (cumulative <= points[:, None]).sum(axis=1)
    return choice
