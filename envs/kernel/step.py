"""The session model as one Numba kernel: starts and steps many lanes at once.

=========================================  ===========================================
:mod:`preroll.envs.kernel.views`           memory as another type
:mod:`preroll.envs.kernel.layout`          arrays: tables, state, results
:mod:`preroll.envs.kernel.rng`             random numbers
:mod:`preroll.envs.kernel.lanes`           the state, as Python reads and writes it
:mod:`preroll.envs.kernel.recommender`     first video of a session, and the next ones
:mod:`preroll.envs.kernel.slot`            response of the user in a slot
:mod:`preroll.envs.kernel.moves`           copies of rows
:mod:`preroll.envs.kernel.observations`    observations
this module                                loop of steps
:mod:`preroll.envs.kernel.policy_rollout`  loop of whole sessions of a policy table
=========================================  ===========================================

With ``NUMBA_DISABLE_JIT=1`` the same functions run as plain Python.
"""

from typing import Any

import numpy as np

from preroll.envs.kernel.layout import (
    ACTIONS,
    BLOCK,
    ENDED,
    FOUND,
    LEFT,
    OVER,
    PAID,
    PLAYED,
    SESSION,
    SESSION_KEY,
    SIZE,
    SLOT,
    VIDEO,
    Packed,
    at,
    block_of,
    told_of,
    unpack,
)
from preroll.envs.kernel.observations import observe
from preroll.envs.kernel.recommender import look_ahead, start_session
from preroll.envs.kernel.rng import WATCH, die
from preroll.envs.kernel.slot import find_over, play
from preroll.jit import compiled, inlined, loop


@loop
def _tell(block: Any, n: Any, told: Any, start: Any) -> None:
    """Copies the results of a slot from the scratch memory, each row in a loop of its own: they have other types."""
    for i in range(n):
        told.reward[start + i] = block.words[PAID + i]
    for i in range(n):
        told.code[start + i] = block.words[PLAYED + i]
    for i in range(n):
        told.terminated[start + i] = block.flags[LEFT + i]
    for i in range(n):
        told.truncated[start + i] = block.flags[OVER + i] & ~block.flags[LEFT + i]
    for i in range(n):
        told.over[start + i] = block.flags[OVER + i]


@inlined
def _begin_again(tables: Any, block: Any, told: Any, i: Any, lane: Any) -> None:
    """Starts a new session in place of a step, with reward 0: the step after an ended session under NEXT_STEP."""
    start_session(tables, block, i, np.int64(block.state[SESSION + i]) + 1)
    told.reward[lane] = 0
    told.code[lane] = -1
    told.terminated[lane] = told.truncated[lane] = told.over[lane] = 0
    told.video[lane] = block.state[VIDEO + i]


@inlined
def _turn(tables: Any, block: Any, n: Any, told: Any, start: Any, final: Any) -> Any:
    """Starts or schedules the next session of lanes whose session has ended; returns how many ended in this step."""
    ended, size, same_step = 0, at(tables.sizes[SIZE]), final.shape[0] > 0
    for j in range(find_over(block, n)):
        i = at(block.numbers[FOUND + at(j)])
        if block.state[ENDED + i]:  # ended in the previous step: the results of this step are discarded
            _begin_again(tables, block, told, i, start + i)
        elif same_step:
            ended += 1
            observe(tables, block.state, i, i + at(1), final, start * size)
            start_session(tables, block, i, np.int64(block.state[SESSION + i]) + 1)
            told.first[start + i] = block.state[VIDEO + i]
        else:
            ended += 1
            block.state[ENDED + i] = 1
    return ended


@inlined
def _exist(actions: Any, n_ads: Any) -> Any:
    """Returns whether all ads exist."""
    wrong = False
    for i in range(at(actions.shape[0])):
        wrong |= (actions[i] < 0) | (actions[i] >= n_ads)
    return not wrong


@compiled
def step(
    actions: Any,
    words: Any,
    integers: Any,
    records: Any,
    looks: Any,
    lanes: Any,
    results: Any,
    observations: Any,
    final: Any,
    starts: Any,
) -> Any:
    """Plays one slot in every lane, or starts sessions, and returns the number of sessions that ended.

    A lane whose session ended starts the next one immediately (if there is a ``final``, to which its last observation
    is written) or in the next call (whose action is ignored, with reward 0), as defined by Gymnasium's SAME_STEP and
    NEXT_STEP. One function both steps and starts sessions: compiled twice, the parts of both would take twice as long.

    Args:
        actions: int64 [n], ads; or with ``starts``, 1 where the next session starts, else 0.
        words: first array of :class:`Packed`; the following three are the others.
        integers: of :class:`Packed`.
        records: of :class:`Packed`.
        looks: of :class:`Packed`.
        lanes: words of :class:`preroll.envs.kernel.lanes.Lanes`.
        results: see :class:`Told`; not written with ``starts``.
        observations: float32 [n · d], of all lanes.
        final: float32 [n · d] under SAME_STEP, else [0].
        starts: whether sessions start and nothing is played.

    Returns:
        Number of sessions that ended, or -1, before anything is played, if an action does not exist.
    """
    tables = unpack(Packed(words, integers, records, looks))
    if not starts and not _exist(actions, np.int64(tables.sizes[ACTIONS])):
        return -1
    count, told = at(actions.shape[0]), told_of(results)
    ended = 0
    for number in range((actions.shape[0] + BLOCK - 1) // BLOCK):
        block, start = block_of(lanes, number), at(number * BLOCK)
        n = min(count - start, at(BLOCK))
        if starts:
            for i in range(n):
                if actions[start + at(i)]:
                    start_session(tables, block, at(i), np.int64(block.state[SESSION + at(i)]) + 1)
        else:
            for i in range(n):
                told.video[start + i] = block.state[VIDEO + i]
            play(tables, block, n, actions, start)
            _tell(block, n, told, start)
            ended += _turn(tables, block, n, told, start, final)
        look_ahead(tables, block, n)
        observe(tables, block.state, at(0), n, observations, start * at(tables.sizes[SIZE]))
    return ended


@compiled
def watch_dice(lanes: Any, dice: Any) -> None:
    """Writes each lane's random number for the watched fraction of its next ad to ``dice`` float64 [n]."""
    for lane in range(dice.shape[0]):
        block, i = block_of(lanes, lane // BLOCK), at(lane % BLOCK)
        dice[lane] = die(block.keys[SESSION_KEY + i], block.state[SLOT + i], WATCH)
