"""How users answer in one slot: they view the ad or not, tire, leave or go on, or reach the horizon.

A slot is played in phases over a block of lanes, dice, answers and results apart from each other, so that each loop is
vectorised, without a branch on what is random, and the look-ups of many lanes wait for memory together. The
probabilities themselves are rows of one table: :mod:`preroll.envs.model.packing` has their formulas.
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
    N_ANSWERS,
    N_SLOTS,
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
    """The dice of viewing and, where anybody ever leaves, of leaving."""
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
    """Views or not; tires; leaves or not; after the last slot of a video, and if the user stays, the next video.

    All that looks something up stands in this one loop, which is not vectorised on purpose: the gather instructions of
    many processors are slower than single loads. What is random makes no branch.
    """
    answers, integers, n_ads = tables.answers, tables.answers.view(np.int64), np.int64(tables.sizes[ACTIONS])
    first = tables.sizes[PHASES] * tables.sizes[SEGMENTS] * tables.sizes[LEVELS]
    # those before `first` are the user states of a video's first slot
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
    """The reward of an ad that was viewed; on to the next slot; the horizon ends the session of a user who stayed."""
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
    """One slot on the lanes of a block: dice, response, results."""
    sizes = tables.sizes
    for i in range(at(lanes.slot.shape[0])):
        outcome.video[i] = lanes.video[i]
    roll(lanes, scratch, sizes[LEAVES] > 0)
    respond(tables, lanes, ads, scratch, numbers)
    settle(lanes, ads, scratch, numbers, outcome, sizes[ACTIONS], sizes[N_SLOTS])


@inlined
def find_ended(lanes: Any, outcome: Any, numbers: Any) -> Any:
    """Writes the lanes whose session is over, now or since the step before, to the row FOUND; gives their number."""
    n = at(0)
    for i in range(at(outcome.over.shape[0])):
        numbers[FOUND + n] = i
        n += at((lanes.ended[i] != 0) | outcome.over[i])
    return n
