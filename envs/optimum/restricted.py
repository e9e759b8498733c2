"""Best policies of restricted kinds: what can be earned without looking at the state, or only at a part of it.

They tell what a scenario rewards. A scenario whose best fixed policy is close to the optimum asks for no planning; one
whose best open-loop plan is close asks for planning but not for looking at the user.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.tables import Tables
from preroll.envs.optimum import bellman
from preroll.envs.optimum.dynamic_program import DynamicProgram
from preroll.envs.optimum.optimum import Optimum
from preroll.envs.policies.policy import Policy
from preroll.envs.policies.simple import by_category_policy

ENUMERATED = 10_000  # fixed policies, and
EVALUATED = 10**9  # states of them all together, that are looked at one by one; beyond it, coordinate ascent
RANDOM_BEGINNINGS = 8  # of a search for the best memoryless policy, beside the plans that suggest themselves
GAIN = 1e-9  # an improvement smaller than this is none


@dataclass(frozen=True)
class SearchedPolicy:
    """A policy that was searched for, its exact value, and whether nothing of its kind is better (``proven``)."""

    policy: Policy
    value: float
    proven: bool


def best_fixed(optimum: Optimum) -> SearchedPolicy:
    """The best stationary policy that always shows the same ad, or none, before videos of one category."""
    tables = optimum.tables
    n_categories, n_actions = len(tables.catalog.categories), tables.n_actions
    n_policies, n_states = n_actions**n_categories, tables.n_slots * tables.n_videos * tables.n_levels
    if n_policies <= ENUMERATED and n_policies * n_states <= EVALUATED:
        choices = [np.array(ads) for ads in itertools.product(range(n_actions), repeat=n_categories)]
        values = [optimum.value_of(by_category_policy(tables, ads)) for ads in choices]
        best = int(np.argmax(values))
        return SearchedPolicy(by_category_policy(tables, choices[best]), values[best], True)
    return _ascend(optimum)


def _ascend(optimum: Optimum) -> SearchedPolicy:
    """Coordinate ascent over the categories, from the ads with the largest next reward."""
    tables = optimum.tables
    reward = np.array([ad.view_probability * ad.reward for ad in tables.ads] + [0.0] * tables.spec.no_ad)
    own = tables.spec.ad_category == np.arange(len(tables.catalog.categories))[:, None]
    ads = np.where(own, reward, -1.0).argmax(axis=1)
    value, before = optimum.value_of(by_category_policy(tables, ads)), -np.inf
    while value > before + GAIN:
        before = value
        for category, ad in itertools.product(range(len(ads)), range(tables.n_actions)):
            changed = ads.copy()
            changed[category] = ad
            tried = optimum.value_of(by_category_policy(tables, changed))
            if tried > value:
                ads, value = changed, tried
    return SearchedPolicy(by_category_policy(tables, ads), value, False)


def best_open_loop(optimum: Optimum) -> SearchedPolicy:
    """The best plan found that decides every (slot, category) beforehand and never looks at the user."""
    tables = optimum.tables
    group = np.asarray(tables.category, dtype=np.int64)[:, None, None]
    return best_memoryless(optimum, group, by_last=False)


def best_memoryless(optimum: Optimum, group: NDArray[np.int64], *, by_last: bool) -> SearchedPolicy:
    """The best policy found that sees the slot and the group of the state, and remembers nothing.

    Coordinate ascent over slots, from several beginnings: with the slots before fixed, the distribution over states is
    known, and the best ad of every group follows. Each sweep improves or stops, and may stop at a local best.

    Args:
        optimum: the tables to search on.
        group: int [N, F, M], what the policy sees of a state; axes of length 1 are not seen.
        by_last: whether states tell the last outcome (M = 2A + 1).
    """
    programs, shares = optimum.programs, optimum.shares
    shape = programs[0].empty(by_last).shape
    seen = np.ascontiguousarray(np.broadcast_to(group, shape))
    n_groups = int(group.max()) + 1
    beginnings = [np.full((optimum.tables.n_slots, n_groups), ad) for ad in range(optimum.tables.n_actions)]
    beginnings.append(_greedy_plan(optimum.tables, seen, n_groups))
    rng = np.random.default_rng(0)
    at_random = rng.integers(0, optimum.tables.n_actions, (RANDOM_BEGINNINGS, optimum.tables.n_slots, n_groups))
    beginnings.extend(at_random)
    found = [_improve(programs, shares, plan, seen, by_last) for plan in beginnings]
    plan, value = max(found, key=lambda one: one[1])
    return SearchedPolicy(Policy(ads=plan[:, seen]), value, False)


def _greedy_plan(tables: Tables, seen: NDArray[np.int64], n_groups: int) -> NDArray[np.int64]:
    """For every group the ad with the largest next reward of its first video."""
    reward = tables.arrays.base[0, 0, 0, 0] * tables.arrays.reward[0]
    by_video = (tables.arrays.match[0] * reward)[tables.kind].argmax(axis=1)
    plan = np.zeros(n_groups, dtype=np.int64)
    plan[seen] = by_video[:, None, None]
    return np.tile(plan, (tables.n_slots, 1))


def _improve(
    programs: list[DynamicProgram],
    shares: NDArray[np.float64],
    plan: NDArray[np.int64],
    seen: NDArray[np.int64],
    by_last: bool,
) -> tuple[NDArray[np.int64], float]:
    """Sweeps backward over the slots until nothing improves; gives (plan [T, G], value)."""
    plan, value, before = plan.copy(), -np.inf, -np.inf
    while True:
        masses = [list(program.masses(plan[:, seen], by_last)) for program in programs]
        values = [program.empty(by_last) for program in programs]
        for slot in reversed(range(len(plan))):
            after = [p.before_next_video(v, slot + 1) for p, v in zip(programs, values, strict=True)]
            weighed = np.zeros((plan.shape[1], programs[0].tables.n_actions))
            for program, share, mass, future in zip(programs, shares, masses, after, strict=True):
                bellman.weigh(*program.model(slot), future, share * mass[slot], seen, weighed)
            groups = np.arange(plan.shape[1])
            better = weighed.max(axis=1) > weighed[groups, plan[slot]] + GAIN / len(plan)
            plan[slot, better] = weighed[better].argmax(axis=1)
            for program, here, future in zip(programs, values, after, strict=True):
                bellman.follow_ads(*program.model(slot), future, here, plan[slot][seen])
        value = float(sum(s * p.at_start(v) for s, p, v in zip(shares, programs, values, strict=True)))
        if value <= before + GAIN:
            return plan, value
        before = value
