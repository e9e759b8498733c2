"""Simulation of whole sessions of a policy table; finished lanes are replaced by unfinished ones."""

from typing import Any, NamedTuple

import numpy as np

from preroll.envs.kernel.layout import (
    BLOCK,
    FOUND,
    LANE_KEY,
    LAST,
    LEFT,
    LEVEL,
    PAID,
    PHASE,
    PLAYED,
    ROWS,
    SEGMENT,
    SESSION,
    SESSION_KEY,
    SLOT,
    USER_STATE,
    VIDEO,
    at,
    block_of,
    unpack,
)
from preroll.envs.kernel.recommender import look_ahead, start_session
from preroll.envs.kernel.rng import ACTION, die
from preroll.envs.kernel.slot import find_over, play
from preroll.envs.kernel.views import seen_as
from preroll.jit import compiled, inlined


@inlined
def _place(tables: Any, block: Any, i: Any) -> Any:
    """Returns the place of lane ``i`` in a policy table."""
    state, of_user = block.state, at(block.state[USER_STATE + i]) * at(3)
    return (
        at(tables.user_states[of_user + at(PHASE)]),
        at(tables.user_states[of_user + at(SEGMENT)]),
        at(state[SLOT + i]),
        at(state[VIDEO + i]),
        at(tables.user_states[of_user + at(LEVEL)]),
        at(state[LAST + i]),
    )


@inlined
def _choose_ads(tables: Any, block: Any, n: Any, ads: Any, probabilities: Any, chosen: Any) -> None:
    """Writes the ads that a policy table shows, or samples, in the states of the lanes."""
    if ads.shape[0] > 0:
        for i in range(n):
            chosen[i] = ads[_place(tables, block, at(i))]
        return
    for i in range(n):
        place, u = _place(tables, block, at(i)), die(block.keys[SESSION_KEY + at(i)], block.state[SLOT + at(i)], ACTION)
        ad, total = np.int64(0), 0.0
        for a in range(probabilities.shape[6] - 1):  # no early exit: a branch on the die would be mispredicted
            total += probabilities[(*place, at(a))]
            ad += u >= total
        chosen[i] = ad


class Account(NamedTuple):
    """What is to be played in a block, and running totals of its sessions, each [BLOCK]."""

    ads: Any  # int64
    lane: Any  # int64      lane to which the session belongs: finished lanes are replaced by others
    revenue: Any  # float64 of the current session
    views: Any  # int64     of the current session


@inlined
def _close(block: Any, account: Any, i: Any, revenue: Any, counts: Any) -> None:
    """Records the finished session of lane ``i`` and clears its totals."""
    lane, session = at(account.lane[i]), at(block.state[SESSION + i])
    revenue[lane, session] = account.revenue[i]
    counts[0, lane, session] = block.state[SLOT + i]
    counts[1, lane, session] = account.views[i]
    counts[2, lane, session] = block.flags[LEFT + i]
    account.revenue[i] = 0.0
    account.views[i] = 0


@inlined
def _take_place(block: Any, account: Any, i: Any, j: Any) -> None:
    """Moves lane ``j`` to the place of lane ``i``, which has played all its sessions."""
    block.keys[LANE_KEY + i], block.keys[SESSION_KEY + i] = block.keys[LANE_KEY + j], block.keys[SESSION_KEY + j]
    for row in ROWS:
        block.state[row + i] = block.state[row + j]
    account.lane[i], account.revenue[i], account.views[i] = account.lane[j], account.revenue[j], account.views[j]


@compiled
def play_sessions(
    packed: Any,
    lanes: Any,
    ads: Any,
    probabilities: Any,
    account: Any,
    revenue: Any,
    counts: Any,
    by_ad: Any,
) -> None:
    """Plays whole sessions of a policy table: lane i plays the first ``revenue.shape[1]`` sessions of its stream.

    Args:
        packed: tables of the scenario.
        lanes: words of the state of n lanes, seeded; used as working memory.
        ads: policy, int [P, U, T, N, F, M], or with a first axis of length 0.
        probabilities: float64 [P, U, T, N, F, M, A], read if ``ads`` has a first axis of length 0.
        account: working memory for one block.
        revenue: float64 [n, k], written.
        counts: int32 [3, n, k], written: slots, views, whether the user left.
        by_ad: int64 [n, A], how often each action was chosen; added to.
    """
    tables = unpack(packed)
    n, n_sessions = revenue.shape
    for number in range((n + BLOCK - 1) // BLOCK):
        block, start = block_of(lanes, number), number * BLOCK
        rewards, playing = seen_as(block.words, np.float64), at(min(BLOCK, n - start))
        for i in range(playing):
            account.lane[i], account.revenue[i], account.views[i] = start + i, 0.0, 0
            start_session(tables, block, at(i), 0)
        while playing > at(0):
            look_ahead(tables, block, playing)
            _choose_ads(tables, block, playing, ads, probabilities, account.ads)
            play(tables, block, playing, account.ads, at(0))
            for i in range(playing):
                by_ad[at(account.lane[i]), at(account.ads[i])] += 1
                account.revenue[i] += rewards[PAID + at(i)]
                account.views[i] += block.words[PLAYED + at(i)] & 1
            found = find_over(block, playing)
            for j in range(found):
                i = at(block.numbers[FOUND + found - at(1 + j)])  # descending: the lane moved to `i` was handled before
                _close(block, account, i, revenue, counts)
                session = np.int64(block.state[SESSION + i]) + 1
                if session < n_sessions:
                    start_session(tables, block, i, session)
                else:
                    playing -= at(1)
                    _take_place(block, account, i, playing)
