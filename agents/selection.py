"""Selection of actions from scores or probabilities, with ties broken at random."""

import math

import numpy as np
from numpy.typing import NDArray

from preroll.agents.finite import finite
from preroll.envs.policies.simple import TIE, tie_bar
from preroll.errors import NotFiniteError
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


def untried_last(
    means: NDArray[np.float64], tried: NDArray[np.bool_], unit: float, paying: NDArray[np.bool_] | bool = True
) -> NDArray[np.float64]:
    """Returns finite scores by which an action that was never tried is never preferred to one that was.

    Args:
        means: (K, A), mean rewards of the actions that were tried, which are not negative.
        tried: bool (K, A).
        unit: size of a reward, by which the others are below.
        paying: whether an action can pay at all; among those that were never tried the others come last.

    Examples:
        >>> untried_last(np.array([[np.inf, 0.0]]), np.array([[False, True]]), 3.0)
        array([[-3.,  0.]])
    """
    return np.where(tried, means, np.where(paying, -unit, -2 * unit))


def pick_best(scores: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.int64]:
    """Picks one maximiser per row of ``scores`` (n, A), breaking ties at random.

    Args:
        scores: (n, A); entries tie with the row's largest within 1e-9 of the row's largest magnitude.
        rng: generator for ties; if there are none, no random number is drawn.

    Returns:
        int64 (n,), index of the chosen entry of each row.

    Raises:
        NotFiniteError: a score is NaN.
    """
    choice = np.empty(len(scores), dtype=np.int64)
    ties = _first_best(np.ascontiguousarray(scores, dtype=np.float64), TIE, choice)
    if ties < 0:
        raise NotFiniteError("scores: hold NaN")
    if not ties:
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
    """Writes the first maximiser of every row into ``choice`` and returns the number of rows with ties; −1 with NaN."""
    ties = 0
    for i in range(scores.shape[0]):
        largest, size = scores[i, 0], 0.0
        for a in range(scores.shape[1]):
            if math.isnan(scores[i, a]):
                return -1
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

    Raises:
        NotFiniteError: a probability is NaN or infinite.
    """
    cumulative = np.cumsum(probabilities, axis=1, dtype=np.float64)
    points = rng.random(len(probabilities)) * finite("probabilities", cumulative[:, -1])
    choice: NDArray[np.int64] = (cumulative <= points[:, None]).sum(axis=1)
    return choice
