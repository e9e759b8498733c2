"""Simulation of whole sessions of a policy table; finished lanes are replaced by unfinished ones."""

from typing import Any, NamedTuple

import numpy as np

from preroll.envs.kernel.layout import BLOCK, FOUND, LEVEL, PHASE, SEGMENT, at, lanes_of, outcome_of, unpack
from preroll.envs.kernel.recommender import look_ahead, start_session
from preroll.envs.kernel.rng import ACTION, die
from preroll.envs.kernel.slot import find_ended, play
from preroll.jit import compiled, inlined


@inlined
def _chosen_ad(tables: Any, lanes: Any, i: Any, ads: Any, probabilities: Any) -> Any:
    """Returns the ad that a policy table shows, or samples, in the state of lane ``i``."""
    user_state, slot, video, last = at(lanes.user_state[i]), at(lanes.slot[i]), at(lanes.video[i]), at(lanes.last[i])
    user_state *= at(3)
    phase, segment = at(tables.user_states[user_state + at(PHASE)]), at(tables.user_states[user_state + at(SEGMENT)])
    level = at(tables.user_states[user_state + at(LEVEL)])
    if ads.shape[0] > 0:
        return np.int64(ads[phase, segment, slot, video, level, last])
    u = die(lanes.session_key[i], slot, ACTION)
    ad = np.int64(0)
    total = probabilities[phase, segment, slot, video, level, last, at(0)]
    while ad + 1 < probabilities.shape[6] and u >= total:
        ad += 1
        total += probabilities[phase, segment, slot, video, level, last, at(ad)]
    return ad


class Account(NamedTuple):
    """Running totals of the sessions in a block, each [BLOCK]."""

    lane: Any  # int64      lane to which the session belongs: finished lanes are replaced by others
    revenue: Any  # float64 of the current session
    views: Any  # int64     of the current session


@inlined
def _close(lanes: Any, account: Any, i: Any, left: Any, revenue: Any, counts: Any) -> None:
    """Records the finished session of lane ``i`` and clears its totals."""
    lane, session = at(account.lane[i]), at(lanes.session[i])
    revenue[lane, session] = account.revenue[i]
    counts[0, lane, session] = lanes.slot[i]
    counts[1, lane, session] = account.views[i]
    counts[2, lane, session] = left
    account.revenue[i] = 0.0
    account.views[i] = 0


@inlined
def _take_place(lanes: Any, account: Any, i: Any, j: Any) -> None:
    """Moves lane ``j`` to the place of lane ``i``, which has played all its sessions."""
    lanes.lane_key[i], lanes.session_key[i], lanes.session[i] = (
        lanes.lane_key[j],
        lanes.session_key[j],
        lanes.session[j],
    )
    lanes.slot[i], lanes.user_state[i], lanes.video[i], lanes.last[i] = (
        lanes.slot[j],
        lanes.user_state[j],
        lanes.video[j],
        lanes.last[j],
    )
    account.lane[i], account.revenue[i], account.views[i] = account.lane[j], account.revenue[j], account.views[j]


@compiled
def play_sessions(
    packed: Any,
    lanes: Any,
    ads: Any,
    probabilities: Any,
    results: Any,
    account: Any,
    revenue: Any,
    counts: Any,
    by_ad: Any,
) -> None:
    """Plays whole sessions of a policy table: lane i plays the first ``revenue.shape[1]`` sessions of its stream.

    Args:
        packed: tables of the scenario.
        lanes: state of n lanes, seeded; used as working memory.
        ads: policy, int [P, U, T, N, F, M], or with a first axis of length 0.
        probabilities: float64 [P, U, T, N, F, M, A], read if ``ads`` has a first axis of length 0.
        results: working memory for one block.
        account: working memory for one block.
        revenue: float64 [n, k], written.
        counts: int32 [3, n, k], written: slots, views, whether the user left.
        by_ad: int64 [n, A], how often each action was chosen; added to.
    """
    tables = unpack(packed)
    keys, state, scratch = lanes.keys, lanes.state, lanes.scratch
    n, n_sessions = revenue.shape
    numbers = scratch.view(np.int64)
    for start in range(0, n, BLOCK):
        playing: Any = min(BLOCK, n - start)
        block = lanes_of(keys, state, start, start + playing)
        for i in range(playing):
            account.lane[i], account.revenue[i], account.views[i] = start + i, 0.0, 0
            start_session(tables, block, i, 0)
        while playing > 0:
            block = lanes_of(keys, state, start, start + playing)
            look_ahead(tables, block, scratch, numbers)
            outcome = outcome_of(results.values, results.flags, results.shown, 0, playing)
            for i in range(at(playing)):
                results.ads[i] = _chosen_ad(tables, block, i, ads, probabilities)
            play(tables, block, results.ads[:playing], scratch, numbers, outcome)
            for i in range(at(playing)):
                by_ad[at(account.lane[i]), at(results.ads[i])] += 1
                account.revenue[i] += outcome.reward[i]
                account.views[i] += outcome.viewed[i]
            found = find_ended(block, outcome, numbers)
            for j in range(at(found)):
                i = at(numbers[FOUND + found - at(1) - j])  # descending: the lane moved to `i` was handled before
                _close(block, account, i, outcome.terminated[i], revenue, counts)
                session = np.int64(block.session[i]) + 1
                if session < n_sessions:
                    start_session(tables, block, i, session)
                else:
                    playing -= 1
                    _take_place(block, account, i, at(playing))
