"""Best policies of restricted classes: the revenue attainable without observing the state, or only a part of it.

They characterise a scenario. If the best fixed policy is close to the optimum, no planning is required; if the best
open-loop plan is close, planning is required, but not observation of the user.
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
from preroll.envs.policies.simple import by_category_policy, first_rewards

# Limits of the enumeration of fixed policies, beyond which coordinate ascent is used.
ENUMERATED = 10_000  # policies
EVALUATED = 10**9  # states of all policies together
RANDOM_BEGINNINGS = 8  # random starts of a search for the best memoryless policy, besides constant and greedy plans
GAIN = 1e-9  # smaller improvements are ignored, as a share of the value


@dataclass(frozen=True)
class SearchedPolicy:
    """Result of a search for the best policy of a class.

    Attributes:
        policy: the best policy found.
        value: its exact expected revenue per session.
        proven: whether no policy of the class is better.

    Examples:
        >>> from preroll.envs import Optimum, Tables, best_open_loop
        >>> found = best_open_loop(Optimum(Tables.compile("fatigue", "demo")))
        >>> round(found.value, 2), found.proven
        (8.11, False)
    """

    policy: Policy
    value: float
    proven: bool


def best_fixed(optimum: Optimum) -> SearchedPolicy:
    """Returns the best stationary policy that shows one ad, or none, before all videos of a category.

    All such policies are enumerated; where there are too many, coordinate ascent searches for the best.

    Raises:
        PrerollError: If a video of the catalog has no category.

    Examples:
        >>> from preroll.envs import Optimum, Tables, best_fixed
        >>> best = best_fixed(Optimum(Tables.compile("classic", "demo")))
        >>> round(best.value, 3), best.proven
        (17.983, True)
    """
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
    """Performs coordinate ascent over the categories, from the ads that earn most in the first slot."""
    tables = optimum.tables
    ads = first_rewards(tables, optimum.phase).argmax(axis=1)
    value, before = optimum.value_of(by_category_policy(tables, ads)), -np.inf
    while value > before * (1 + GAIN):
        before = value
        for category, ad in itertools.product(range(len(ads)), range(tables.n_actions)):
            changed = ads.copy()
            changed[category] = ad
            tried = optimum.value_of(by_category_policy(tables, changed))
            if tried > value:
                ads, value = changed, tried
    return SearchedPolicy(by_category_policy(tables, ads), value, False)


def best_open_loop(optimum: Optimum) -> SearchedPolicy:
    """Searches for the best plan that fixes the ad of every (slot, category) in advance, whatever the user does."""
    tables = optimum.tables
    group = np.asarray(tables.category, dtype=np.int64)[:, None, None]
    return best_memoryless(optimum, group, by_last=False)


def best_memoryless(optimum: Optimum, group: NDArray[np.int64], *, by_last: bool) -> SearchedPolicy:
    """Searches for the best policy that observes the slot and the group of the state, and remembers nothing.

    Coordinate ascent over slots, from several initial plans: given the actions in earlier slots, the distribution over
    states is known, and the best action of every group follows. Each sweep improves the policy or ends the search,
    which may end at a local optimum.

    Args:
        optimum: the optimum on whose tables to search.
        group: int [N, F, M], the policy's observation of a state; it does not depend on axes of length 1.
        by_last: whether states include the last outcome (M = 2A + 1).
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
    """Returns the plan with the largest immediate reward in every group, by one of its videos, int [T, G]."""
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
    """Sweeps backward over the slots until nothing improves; returns (plan [T, G], value)."""
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
            better = weighed.max(axis=1) > weighed[groups, plan[slot]] * (1 + GAIN / len(plan))
            plan[slot, better] = weighed[better].argmax(axis=1)
            # New arrays: between two slots of one video, `after` are the old ones themselves.
            values = [np.empty_like(future) for future in after]
            for program, here, future in zip(programs, values, after, strict=True):
                bellman.follow_ads(*program.model(slot), future, here, plan[slot][seen])
        value = float(sum(s * p.at_start(v) for s, p, v in zip(shares, programs, values, strict=True)))
        if value <= before * (1 + GAIN):
            return plan, value
        before = value
