"""One slot of a session: view, fatigue, leaving, the move to the next slot and the horizon.

A slot is played in phases over a block of lanes: random numbers, responses, results. Each phase is a loop of its own
without branches on random values, so that it is vectorised, or keeps the look-ups of many lanes in flight. The
probabilities are rows of one table, whose formulas are in :mod:`preroll.envs.model.probabilities`.
"""

from typing import Any

import numpy as np

from preroll.envs.kernel.layout import (
    ABOUT,
    ACTIONS,
    AFTER,
    CHANCE,
    DIE_OF_LEAVING,
    DIE_OF_VIEW,
    FOUND,
    LEAVES,
    LEFT,
    LEVELS,
    LIKELY,
    LIMIT,
    N_ANSWERS,
    PAY,
    PHASES,
    POSITIONS,
    RISK,
    SEGMENTS,
    SHOWN,
    VIEW_DONE,
    WORTH,
    at,
)
from preroll.envs.kernel.rng import LEAVE, VIEW, die
from preroll.jit import inlined, loop


@loop
def roll(lanes: Any, scratch: Any, leaves: Any) -> None:
    """Draws the random numbers of viewing and, if the scenario has leaving, of leaving."""
    n = at(lanes.slot.shape[0])
    if leaves:
        for i in range(n):
            scratch[DIE_OF_VIEW + i] = die(lanes.session_key[i], lanes.slot[i], VIEW)
            scratch[DIE_OF_LEAVING + i] = die(lanes.session_key[i], lanes.slot[i], LEAVE)
    else:
        for i in range(n):
            scratch[DIE_OF_VIEW + i] = die(lanes.session_key[i], lanes.slot[i], VIEW)


@inlined
def respond(tables: Any, lanes: Any, ads: Any, scratch: Any, numbers: Any) -> None:
    """Resolves view, fatigue, leaving and, after the last slot of a video, the next video.

    All look-ups are in this one loop, which is deliberately not vectorised: the gather instructions of many processors
    are slower than single loads. No branch depends on a random value.
    """
    answers, integers, n_ads = tables.answers, tables.answers.view(np.int64), np.int64(tables.sizes[ACTIONS])
    first = tables.sizes[PHASES] * tables.sizes[SEGMENTS] * tables.sizes[LEVELS]
    # User states below `first` belong to the first slot of a video.
    n_user_states = at(first * tables.sizes[POSITIONS])
    for i in range(at(lanes.slot.shape[0])):
        ad, last = np.int64(ads[i]), np.int64(lanes.last[i])
        user = at(lanes.kind[i]) * n_user_states + at(lanes.user_state[i])
        line = (user * at(n_ads) + at(ad)) * at(N_ANSWERS)
        again = (last == ad) | (last == ad + n_ads)
        p = answers[line + at(CHANCE) + at(again)]
        viewed = at(scratch[DIE_OF_VIEW + i] < p)
        left = scratch[DIE_OF_LEAVING + i] < answers[line + at(RISK) + viewed]
        user_state = integers[line + at(AFTER) + viewed]
        scratch[LIKELY + i] = p
        scratch[WORTH + i] = answers[line + at(PAY)]
        numbers[ABOUT + i] = integers[line + at(SHOWN)]
        numbers[VIEW_DONE + i] = viewed
        numbers[LEFT + i] = left
        lanes.user_state[i] = user_state
        lanes.video[i] = lanes.video[i] if left | (user_state >= first) else lanes.following[i]


@loop
def settle(lanes: Any, ads: Any, scratch: Any, numbers: Any, outcome: Any, n_ads: Any, n_slots: Any) -> None:
    """Writes rewards and flags, and advances to the next slot; the horizon ends the session of a user who stayed."""
    for i in range(at(lanes.slot.shape[0])):
        p, pay, slot = scratch[LIKELY + i], scratch[WORTH + i], lanes.slot[i] + np.int32(1)
        viewed, left = numbers[VIEW_DONE + i], numbers[LEFT + i] != 0
        outcome.reward[i] = pay * viewed
        outcome.view_probability[i] = p
        outcome.expected_reward[i] = pay * p
        outcome.viewed[i] = viewed != 0
        outcome.terminated[i] = left
        outcome.truncated[i] = (slot == n_slots) & (not left)
        outcome.over[i] = (slot == n_slots) | left
        outcome.category[i] = numbers[ABOUT + i]
        lanes.last[i] = ads[i] + n_ads * viewed
        lanes.slot[i] = slot


@inlined
def play(tables: Any, lanes: Any, ads: Any, scratch: Any, numbers: Any, outcome: Any) -> None:
    """Plays one slot in the lanes of a block."""
    sizes = tables.sizes
    for i in range(at(lanes.slot.shape[0])):
        outcome.video[i] = lanes.video[i]
    roll(lanes, scratch, sizes[LEAVES] > 0)
    respond(tables, lanes, ads, scratch, numbers)
    settle(lanes, ads, scratch, numbers, outcome, sizes[ACTIONS], sizes[LIMIT])


@inlined
def find_ended(lanes: Any, outcome: Any, numbers: Any) -> Any:
    """Writes the lanes whose session has ended, now or in the previous step, to the row FOUND; returns their number."""
    n = at(0)
    for i in range(at(outcome.over.shape[0])):
        numbers[FOUND + n] = i  # overwritten by the next lane unless this one ended: no branch
        n += at((lanes.ended[i] != 0) | outcome.over[i])
    return n
