"""From scores to choices: the best ads of each row, ties included."""

import numpy as np
from numpy.typing import NDArray

from preroll.envs.policies import TIE


def maximisers(scores: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Marks the entries of each row of ``scores`` (…, A) that are within 1e-9 of its largest.

    >>> maximisers(np.array([[0.2, 0.8, 0.8]]))
    array([[False,  True,  True]])
    """
    best: NDArray[np.bool_] = scores >= scores.max(axis=-1, keepdims=True) - TIE
    return best


def pick_best(scores: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.int64]:
    """Picks one maximiser for each row of ``scores`` (n, A), ties broken at random by ``rng``.

    Without a tie no random number is drawn.
    """
    best = maximisers(scores)
    choice: NDArray[np.int64] = best.argmax(axis=1)
    tied = np.flatnonzero(best.sum(axis=1) > 1)
    if tied.size:
        keys = np.where(best[tied], rng.random((tied.size, scores.shape[1])), -1.0)
        choice[tied] = keys.argmax(axis=1)
    return choice


def draw(probabilities: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draws one action for each row of ``probabilities`` (n, A) by inverting the cumulative sum.

    The uniform number is scaled by the row's own sum, which float32 probabilities miss by some 1e-7; an action of
    probability 0 is never drawn.
    """
    cumulative = np.cumsum(probabilities, axis=1, dtype=np.float64)
    points = rng.random(len(probabilities)) * cumulative[:, -1]
    choice: NDArray[np.int64] = (cumulative <= points[:, None]).sum(axis=1)
    return choice
