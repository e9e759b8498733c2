"""The session model as one Numba kernel: seeds, starts and steps many lanes at once.

=========================================  ===========================================
:mod:`preroll.envs.kernel.layout`          arrays: tables, lanes, results
:mod:`preroll.envs.kernel.rng`             random numbers
:mod:`preroll.envs.kernel.recommender`     first video of a session, and the next ones
:mod:`preroll.envs.kernel.slot`        response of the user in a slot
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
    CATEGORY,
    FOUND,
    LANE_KEY,
    PADDING,
    SESSION,
    SESSION_KEY,
    SIZE,
    SLOT,
    Packed,
    at,
    lanes_of,
    outcome_of,
    unpack,
)
from preroll.envs.kernel.observations import write_rows
from preroll.envs.kernel.recommender import look_ahead, start_session
from preroll.envs.kernel.rng import WATCH, die, lane_key
from preroll.envs.kernel.slot import find_ended, play
from preroll.jit import compiled, inlined


@compiled
def seed_lanes(lanes: Any, chosen: Any, seeds: Any) -> None:
    """Assigns user stream ``seeds[j]`` (uint64) to lane ``chosen[j]`` and rewinds it to before its session 0."""
    for j in range(chosen.shape[0]):
        lanes.keys[LANE_KEY, chosen[j]] = lane_key(seeds[j])
        lanes.state[SESSION, chosen[j]] = -1


@compiled
def start_next(packed: Any, lanes: Any, chosen: Any) -> None:
    """Starts the next session in the ``chosen`` lanes."""
    tables, n = unpack(packed), np.int64(lanes.state.shape[1] - PADDING)
    named, numbers = lanes_of(lanes.keys, lanes.state, 0, n), lanes.scratch.view(np.int64)
    for j in range(chosen.shape[0]):
        i = at(chosen[j])
        start_session(tables, named, i, np.int64(named.session[i]) + 1)
    # Repeated for the lanes that were not chosen: their next video is a function of their state.
    for start in range(0, n, BLOCK):
        block = lanes_of(lanes.keys, lanes.state, start, min(start + BLOCK, n))
        look_ahead(tables, block, lanes.scratch, numbers)


@compiled
def observe(packed: Any, lanes: Any, observations: Any) -> None:
    """Writes the observation of every lane to ``observations`` float32 [n, d]."""
    n = np.int64(observations.shape[0])
    named = lanes_of(lanes.keys, lanes.state, 0, n)
    write_rows(unpack(packed), named, at(0), n, observations.reshape(observations.size))


@inlined
def _begin_again(tables: Any, lanes: Any, outcome: Any, i: Any) -> None:
    """Starts a new session in place of a step, with reward 0: the step after an ended session under NEXT_STEP.

    A P(view) of NaN is the mark of it, by which the infos say that no ad was shown.
    """
    start_session(tables, lanes, i, np.int64(lanes.session[i]) + 1)
    outcome.reward[i] = 0.0
    outcome.view_probability[i] = outcome.expected_reward[i] = np.nan
    outcome.terminated[i] = outcome.truncated[i] = outcome.viewed[i] = outcome.over[i] = False
    outcome.video[i] = lanes.video[i]
    outcome.category[i] = tables.links[at(lanes.video[i]), CATEGORY]


@inlined
def _turn(tables: Any, lanes: Any, outcome: Any, numbers: Any, same_step: Any, final: Any) -> Any:
    """Starts or schedules the next session of lanes whose session has ended; returns how many ended in this step."""
    ended = 0
    for j in range(find_ended(lanes, outcome, numbers)):
        i = at(numbers[FOUND + j])
        if lanes.ended[i]:  # ended in the previous step: the results of this step are discarded
            _begin_again(tables, lanes, outcome, i)
        elif same_step:
            ended += 1
            write_rows(tables, lanes, i, np.int64(1), final[np.int64(i * at(tables.sizes[SIZE])) :])
            start_session(tables, lanes, i, np.int64(lanes.session[i]) + 1)
            outcome.first[i] = lanes.video[i]
        else:
            ended += 1
            lanes.ended[i] = 1
    return ended


@inlined
def _take(actions: Any, n_ads: Any, ads: Any) -> Any:
    """Copies the actions to ``ads`` and returns whether all of them exist."""
    wrong = False
    for i in range(at(actions.shape[0])):
        wrong |= (actions[i] < 0) | (actions[i] >= n_ads)
        ads[i] = actions[i]
    return not wrong


@compiled
def step(
    actions: Any,
    floats: Any,
    integers: Any,
    records: Any,
    looks: Any,
    keys: Any,
    state: Any,
    scratch: Any,
    same_step: Any,
    observations: Any,
    ads: Any,
    values: Any,
    flags: Any,
    shown: Any,
    final: Any,
) -> Any:
    """Plays one slot in every lane and returns the number of sessions that ended.

    A lane whose session ended starts the next one immediately (``same_step``; its last observation is written to
    ``final``) or in the next call (whose action is ignored, with reward 0), as defined by Gymnasium's SAME_STEP and
    NEXT_STEP.

    Shapes: actions int64 [n]; then the arrays of :class:`Packed` and of :class:`State`; observations float32 [n, d];
    then the arrays of :class:`Results`; final float32 [n, d], not used unless ``same_step``.

    Returns:
        Number of sessions that ended, or -1, before anything is played, if an action does not exist.
    """
    tables = unpack(Packed(floats, integers, records, looks))
    if not _take(actions, np.int64(tables.sizes[ACTIONS]), ads):
        return -1
    n, size, numbers = np.int64(actions.shape[0]), np.int64(tables.sizes[SIZE]), scratch.view(np.int64)
    seen, last_seen = observations.reshape(observations.size), final.reshape(final.size)
    ended = 0
    for start in range(0, n, BLOCK):
        stop: Any = min(start + BLOCK, n)
        lanes, outcome = lanes_of(keys, state, start, stop), outcome_of(values, flags, shown, start, stop)
        play(tables, lanes, ads[start:stop], scratch, numbers, outcome)
        ended += _turn(tables, lanes, outcome, numbers, same_step, last_seen[start * size :])
        look_ahead(tables, lanes, scratch, numbers)
        write_rows(tables, lanes, at(0), stop - start, seen[start * size :])
    return ended


@compiled
def watch_dice(lanes: Any, dice: Any) -> None:
    """Writes each lane's random number for the watched fraction of its next ad to ``dice`` float64 [n]."""
    for i in range(dice.shape[0]):
        dice[i] = die(lanes.keys[SESSION_KEY, i], lanes.state[SLOT, i], WATCH)
