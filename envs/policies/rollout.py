"""Whole sessions of a policy table inside the kernel: a million of them in seconds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.envs.kernel import layout, policy_rollout, step
from preroll.envs.model.tables import Tables
from preroll.envs.policies.policy import Policy, axes


@dataclass(frozen=True)
class Rollout:
    """What happened in sessions 0 … k - 1 of n lanes.

    Attributes:
        revenue: float64 [n, k], sum of rewards of each session.
        slots: int32 [n, k], slots that were played.
        views: int32 [n, k], ads that were viewed.
        terminated: bool [n, k], whether the user left before the horizon.
        by_ad: int64 [n, A], how often each action was chosen in a lane.
    """

    revenue: NDArray[np.float64]
    slots: NDArray[np.int32]
    views: NDArray[np.int32]
    terminated: NDArray[np.bool_]
    by_ad: NDArray[np.int64]


def rollout(tables: Tables, policy: Policy, *, seed: int, lanes: int = 1000, sessions_per_lane: int = 100) -> Rollout:
    """Plays sessions 0 … k - 1 of every lane to their end.

    Lane i plays the user stream seed + i: two policies with one seed meet the same users with the same dice, and a
    deterministic policy gives the very sessions that stepping through the vector environment gives.
    """
    full = policy.on(tables)
    state = layout.new_lanes(lanes)
    if full.ads is not None:
        ads, probabilities = full.ads, np.empty((0,) * 7)
    else:
        assert full.probabilities is not None
        ads, probabilities = np.empty((0,) * 6, dtype=np.int16), full.probabilities
    assert ads.shape in (axes(tables), (0,) * 6)
    revenue = np.zeros((lanes, sessions_per_lane))
    counts = np.zeros((3, lanes, sessions_per_lane), dtype=np.int32)
    by_ad = np.zeros((lanes, tables.n_actions), dtype=np.int64)
    block = layout.BLOCK
    account = policy_rollout.Account(np.zeros(block, np.int64), np.zeros(block), np.zeros(block, np.int64))
    seeds = np.arange(lanes, dtype=np.uint64) + np.uint64(seed)
    step.seed_lanes(state, np.arange(lanes), seeds)
    policy_rollout.play_sessions(
        tables.packed, state, ads, probabilities, layout.new_results(block), account, revenue, counts, by_ad
    )
    return Rollout(revenue, counts[0], counts[1], counts[2].astype(np.bool_), by_ad)
