"""The model's tables, and what follows from them for each ad: P(view), P(leave), and the user's next state.

R kinds of videos, S slots per video, P phases, U segments, F fatigue levels, A actions.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from preroll.envs.kernel import layout


class Arrays(NamedTuple):
    """Tables of the model: P phases, U segments, S slots per video, F fatigue levels, A actions, R kinds of videos."""

    base: NDArray[np.float64]  # [P, U, S, F, A]   p · position · wear · appeal
    match: NDArray[np.float64]  # [P, R, A]        m + (1 - m) · relevance
    reward: NDArray[np.float64]  # [P, R, A]        reward of a view
    hazard: NDArray[np.float64]  # [P, U, A, 2, F] P(leave)
    choice: NDArray[np.float64]  # [P, 2 + 10]     jump, repeat, cumulative rank probabilities
    segments: NDArray[np.float64]  # [P, U]        cumulative shares
    phase_start: NDArray[np.int64]  # [P]          first session of each phase
    gain: NDArray[np.int64]  # [P, A, 2]           fatigue gain minus recovery; [not viewed, viewed]
    rows: NDArray[np.float32]  # [N, d]            observation of each video; 0 in the session's parts

    def phase_of(self, session: NDArray[np.integer[Any]] | np.integer[Any]) -> NDArray[np.int64]:
        """Returns the phase of drift of each session by its number in its lane; the last phase has no end."""
        return np.asarray(np.searchsorted(self.phase_start, session, side="right") - 1)


def view_probabilities(arrays: Arrays) -> NDArray[np.float64]:
    """Computes P(view) = min(base · match · repeat, 1), [R, S, P, U, F, A, 2].

    The last axis distinguishes ads that are not, or are, the last one shown.
    """
    repeat = np.ones((len(arrays.choice), 2))
    repeat[:, 1] = arrays.choice[:, layout.REPEAT]
    view = by_user_state(arrays.base, arrays)[None] * by_kind(arrays.match)
    return np.minimum(view[..., None] * repeat[None, None, :, None, None, None, :], 1.0)


def _level_after(arrays: Arrays) -> NDArray[np.int64]:
    """Computes the next fatigue level f' = clip(f + gain[length, viewed] - recovery, 0, F - 1), [P, F, A, 2]."""
    n_levels = arrays.base.shape[3]
    return np.asarray(np.clip(np.arange(n_levels)[None, :, None, None] + arrays.gain[:, None], 0, n_levels - 1))


def leave_probabilities(arrays: Arrays) -> NDArray[np.float64]:
    """Computes P(leave) = hazard[length, viewed, f', segment], [S, P, U, F, A, 2]."""
    after = _level_after(arrays)[:, None]
    p, u, _, a, v = np.ix_(*(np.arange(n) for n in (*arrays.base.shape[:2], *after.shape[2:])))
    return by_user_state(arrays.hazard[p, u, a, v, after][:, :, None], arrays)


def states_after(arrays: Arrays) -> NDArray[np.int64]:
    """Computes the user state of the next slot, [S, P, U, F, A, 2]: next position, same phase and segment, level f'.

    The position after the last slot of a video is 0.
    """
    p, u, s, f, _ = arrays.base.shape
    number = np.arange(s * p * u * f).reshape(s, p, u, f)
    phase, segment = np.arange(p)[:, None, None, None, None], np.arange(u)[:, None, None, None]
    following = (np.arange(s) + 1) % s
    return np.asarray(number[following[:, None, None, None, None, None], phase, segment, _level_after(arrays)[:, None]])


def by_user_state(table: NDArray[np.float64], arrays: Arrays) -> NDArray[np.float64]:
    """Reorders a table [P, U, S, F, …] (or 1 on axes without effect) to the axes [S, P, U, F, …] of user states."""
    full = np.broadcast_to(table, arrays.base.shape[:4] + table.shape[4:])
    return np.moveaxis(full, 2, 0)


def by_kind(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Reshapes a table [P, R, A] to [R, S, P, U, F, A] with axes of length 1."""
    return np.moveaxis(table, 1, 0)[:, None, :, None, None, :]
