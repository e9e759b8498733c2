"""One slot of a session: view, fatigue, leaving, the move to the next slot and the horizon.

A slot is played in phases over a block of lanes: random numbers, responses, moves. Each phase is a loop of its own
without branches on random values, so that it is vectorised, or keeps the look-ups of many lanes in flight. The
probabilities are rows of one table, whose formulas are in :mod:`preroll.envs.model.probabilities`.
"""

from typing import Any

import numpy as np

from preroll.envs.kernel.layout import (
    ACTIONS,
    AFTER,
    CHANCE,
    DIE_OF_LEAVING,
    DIE_OF_VIEW,
    ENDED,
    FOLLOWING,
    FOUND,
    LAST,
    LEAVES,
    LEFT,
    LEVELS,
    LIMIT,
    LINE,
    N_ANSWERS,
    OVER,
    PAID,
    PAY,
    PHASES,
    PLAYED,
    POSITIONS,
    RISK,
    SEGMENTS,
    SESSION_KEY,
    SLOT,
    USER_STATE,
    VIDEO,
    VIDEO_KIND,
    at,
)
from preroll.envs.kernel.rng import LEAVE, VIEW, whole_die
from preroll.envs.kernel.views import seen_as
from preroll.jit import inlined, loop


@loop
def _roll(block: Any, n: Any, leaves: Any) -> None:
    """Draws the random numbers of viewing and, if the scenario has leaving, of leaving."""
    for i in range(n):
        block.words[DIE_OF_VIEW + i] = whole_die(block.keys[SESSION_KEY + i], block.state[SLOT + i], VIEW)
    if leaves:
        for i in range(n):
            block.words[DIE_OF_LEAVING + i] = whole_die(block.keys[SESSION_KEY + i], block.state[SLOT + i], LEAVE)


@loop
def _show(block: Any, n: Any, ads: Any, start: Any, n_ads: Any, n_states: Any) -> None:
    """Computes the row of ``answers`` of each lane, and whether its ad is the last one shown."""
    state = block.state
    for i in range(n):
        ad, last = ads[start + i], np.int64(state[LAST + i])
        user = np.int64(state[VIDEO_KIND + i]) * n_states + np.int64(state[USER_STATE + i])
        again = np.int64((last == ad) | (last == ad + n_ads))
        block.words[PLAYED + i] = ((user * n_ads + ad) << LINE) | (again << 1)


@loop
def _view(block: Any, n: Any, answers: Any) -> None:
    """Resolves whether the ad is viewed, and what it pays.

    Like the two functions after it, this is deliberately not vectorised: the gather instructions of many processors are
    slower than single loads. No branch depends on a random value.
    """
    words = block.words
    for i in range(n):
        played = words[PLAYED + i]
        answer = at(played >> LINE) * at(N_ANSWERS)
        viewed = np.int64(words[DIE_OF_VIEW + i] < answers[answer + at(CHANCE) + at((played >> 1) & 1)])
        words[PAID + i] = answers[answer + at(PAY)] & -viewed  # the bits of the reward, or of 0.0
        words[PLAYED + i] = played | viewed


@loop
def _leave(block: Any, n: Any, answers: Any, leaves: Any) -> None:
    """Resolves whether the user leaves."""
    if leaves:
        for i in range(n):
            played = block.words[PLAYED + i]
            risk = answers[at(played >> LINE) * at(N_ANSWERS) + at(RISK) + at(played & 1)]
            block.flags[LEFT + i] = block.words[DIE_OF_LEAVING + i] < risk
    else:
        for i in range(n):
            block.flags[LEFT + i] = 0


@loop
def _tire(block: Any, n: Any, answers: Any) -> None:
    """Looks up the user state of the next slot: its position in its video, and fatigue."""
    after = seen_as(answers, np.int32)
    for i in range(n):
        played = block.words[PLAYED + i]
        answer = at(played >> LINE) * at(N_ANSWERS)
        block.state[USER_STATE + i] = after[(answer + at(AFTER)) * at(2) + at(played & 1)]


@loop
def _move_on(block: Any, n: Any, ads: Any, start: Any, n_ads: Any, n_first: Any, limit: Any) -> None:
    """Advances to the next slot, after the last one of a video to the next video; the horizon ends the session.

    User states below ``n_first`` belong to the first slot of a video. A user who leaves is last seen with the video
    that was left.
    """
    state = block.state
    for i in range(n):
        state[LAST + i] = ads[start + i] + n_ads * (block.words[PLAYED + i] & 1)
    for i in range(n):
        left, slot = block.flags[LEFT + i] != 0, state[SLOT + i] + np.int32(1)
        video, following = state[VIDEO + i], state[FOLLOWING + i]  # both are read: a choice between reads would branch
        state[VIDEO + i] = video if left | (state[USER_STATE + i] >= n_first) else following
        state[SLOT + i] = slot
        block.flags[OVER + i] = (slot == limit) | left


@inlined
def play(tables: Any, block: Any, n: Any, ads: Any, start: Any) -> None:
    """Plays one slot in the ``n`` lanes of a block, whose ads begin at ``start``; results are in the scratch memory."""
    sizes, n_ads = tables.sizes, np.int64(tables.sizes[ACTIONS])
    n_first = sizes[PHASES] * sizes[SEGMENTS] * sizes[LEVELS]
    _roll(block, n, sizes[LEAVES] > 0)
    _show(block, n, ads, start, n_ads, np.int64(n_first * sizes[POSITIONS]))
    _view(block, n, tables.answers)
    _leave(block, n, tables.answers, sizes[LEAVES] > 0)
    if sizes[POSITIONS] * sizes[LEVELS] > 1:
        _tire(block, n, tables.answers)
    _move_on(block, n, ads, start, n_ads, np.int32(n_first), sizes[LIMIT])


@loop
def _mark_over(flags: Any, state: Any, n: Any) -> Any:
    """Adds to the lanes whose session is over those where it was over before; returns whether there are any."""
    over = np.uint8(0)
    for i in range(n):
        flags[OVER + i] |= np.uint8(state[ENDED + i])
        over |= flags[OVER + i]
    return over > 0


@inlined
def find_over(block: Any, n: Any) -> Any:
    """Writes the lanes whose session is over, now or since the last step, to the row FOUND; returns their number."""
    found = at(0)
    if _mark_over(block.flags, block.state, n):  # where nobody leaves, all lanes end in the same few steps
        for i in range(n):
            block.numbers[FOUND + found] = i  # overwritten by the next lane unless this one's is over: no branch
            found += at(block.flags[OVER + i])
    return found
