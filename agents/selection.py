"""From scores to choices: the best ads of each row, ties included."""

import numpy as np
from numpy.typing import NDArray

from preroll.envs.policies.simple import TIE
from preroll.jit import compiled


def maximizers(scores: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Marks the entries of each row of ``scores`` (…, A) that are within 1e-9 of its largest.

    >>> maximizers(np.array([[0.2, 0.8, 0.8]]))
    array([[False,  True,  True]])
    """
    best: NDArray[np.bool_] = scores >= scores.max(axis=-1, keepdims=True) - TIE
    return best


def pick_best(scores: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.int64]:
    """Picks one maximiser for each row of ``scores`` (n, A), ties broken at random by ``rng``.

    Without a tie no random number is drawn.
    """
    choice = np.empty(len(scores), dtype=np.int64)
    if not _first_best(np.ascontiguousarray(scores, dtype=np.float64), TIE, choice):
        return choice
    settle_ties(scores, choice, rng)
    return choice


def settle_ties(scores: NDArray[np.floating], choice: NDArray[np.int64], rng: np.random.Generator) -> None:
    """Writes one maximiser at random into ``choice`` (n,) for every row of ``scores`` (n, A) that has several."""
    best = maximizers(scores)
    tied = np.flatnonzero(best.sum(axis=1) > 1)
    keys = np.where(best[tied], rng.random((tied.size, scores.shape[1])), -1.0)
    choice[tied] = keys.argmax(axis=1)


@compiled
def _first_best(scores: NDArray[np.float64], tolerance: float, choice: NDArray[np.int64]) -> int:
    """Writes the first maximiser of every row; gives how many rows have a further one within ``tolerance``."""
    ties = 0
    for i in range(scores.shape[0]):
        largest = scores[i, 0]
        for a in range(scores.shape[1]):
            largest = max(largest, scores[i, a])
        found = 0
        for a in range(scores.shape[1]):
            if scores[i, a] >= largest - tolerance:
                if found == 0:
                    choice[i] = a
                found += 1
        ties += found > 1
    return ties


def sample_actions(probabilities: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draws one action for each row of ``probabilities`` (n, A) by inverting the cumulative sum.

    The uniform number is scaled by the row's own sum, which float32 probabilities miss by some 1e-7; an action of
    probability 0 is never drawn.
    """
    cumulative = np.cumsum(probabilities, axis=1, dtype=np.float64)
    points = rng.random(len(probabilities)) * cumulative[:, -1]
    choice: NDArray[np.int64] = (cumulative <= points[:, None]).sum(axis=1)
    return choice
