"""Best policies of restricted classes: the revenue attainable without observing the state, or only a part of it.

They characterise a scenario. If the best fixed policy is close to the optimum, no planning is required; if the best
open-loop plan is close, planning is required, but not observation of the user.
"""

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.tables import Tables
from preroll.envs.optimum import bellman
from preroll.envs.optimum.dynamic_program import Chosen, surely
from preroll.envs.optimum.optimum import Optimum, OptimumSource
from preroll.envs.policies.policy import Policy
from preroll.envs.policies.simple import by_category_policy, first_rewards
from preroll.shown.card import Card
from preroll.shown.shown import ShownTable

if TYPE_CHECKING:
    import pandas as pd

# Limits of the enumeration of fixed policies, beyond which coordinate ascent is used.
ENUMERATED = 10_000  # policies
EVALUATED = 10**9  # states of all policies together
STACK = 2**19  # states of all policies that are valued together: 4 MiB
RANDOM_BEGINNINGS = 8  # random starts of a search for the best memoryless policy, besides constant and greedy plans
GAIN = 1e-9  # smaller improvements are ignored, as a share of the value


@dataclass(frozen=True, repr=False)
class SearchedPolicy(ShownTable):
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

    def to_frame(self) -> "pd.DataFrame":
        """Returns the policy as a table of its states: :meth:`Policy.to_frame`."""
        return self.policy.to_frame()

    def _card(self) -> Card:
        policy = self.policy._card()
        found = "proven to be the best of its class" if self.proven else "the best that was found; not proven"
        facts = {"value": f"{self.value:.4f} of revenue per session", "is": found, "policy": policy.facts["holds"]}
        return Card("Best policy of a class", facts, policy.head, policy.rows)


def best_fixed(optimum: OptimumSource) -> SearchedPolicy:
    """Returns the best stationary policy that shows one ad, or none, before all videos of a category.

    All such policies are enumerated; where there are too many, coordinate ascent searches for the best. Tables, or a
    scenario, stand for their optimum.

    Raises:
        PrerollError: If a video of the catalog has no category.

    Examples:
        >>> from preroll.envs import Optimum, Tables, best_fixed
        >>> best = best_fixed(Optimum(Tables.compile("classic", "demo")))
        >>> round(best.value, 3), best.proven
        (17.983, True)
    """
    optimum = Optimum.of(optimum)
    tables = optimum.tables
    n_categories, n_actions = len(tables.catalog.categories), tables.n_actions
    n_policies, n_states = n_actions**n_categories, tables.n_slots * tables.n_videos * tables.n_levels
    if n_policies <= ENUMERATED and n_policies * n_states <= EVALUATED:
        choices = [np.array(ads) for ads in itertools.product(range(n_actions), repeat=n_categories)]
        values = _values(optimum, np.array(choices))
        best = int(np.argmax(values))
        return SearchedPolicy(by_category_policy(tables, choices[best]), float(values[best]), True)
    return _ascend(optimum)


def _values(optimum: Optimum, choices: NDArray[np.int64]) -> NDArray[np.float64]:
    """Computes the value of each of C policies that show ``choices[c, k]`` before videos of category k, float64 [C]."""
    shown = choices[:, np.asarray(optimum.tables.category)].T.astype(np.int16)  # [N, C]
    found = [np.zeros(0)]
    n_stacks = min(len(choices), -(-shown.size * optimum.tables.n_levels // STACK))
    for own in np.array_split(shown, n_stacks, axis=1):
        chosen = surely(np.broadcast_to(own.reshape(-1, 1, 1), optimum.programs[0].empty(False, own.shape[1]).shape))
        parts = [program.values_of(lambda _: chosen, False, own.shape[1]) for program in optimum.programs]  # noqa: B023
        found.append(sum((share * part for share, part in zip(optimum.shares, parts, strict=True)), np.zeros(1)))
    return np.concatenate(found)


def _ascend(optimum: Optimum) -> SearchedPolicy:
    """Performs coordinate ascent over the categories, from the ads that earn most in the first slot."""
    tables = optimum.tables
    ads = first_rewards(tables, optimum.phase).argmax(axis=1)
    value, before = float(_values(optimum, ads[None])[0]), -np.inf
    while value > before * (1 + GAIN):
        before = value
        for category in range(len(ads)):
            changed = np.repeat(ads[None], tables.n_actions, axis=0)
            changed[:, category] = np.arange(tables.n_actions)
            tried = _values(optimum, changed)
            if tried.max() > value:
                ads, value = changed[tried.argmax()], float(tried.max())
    return SearchedPolicy(by_category_policy(tables, ads), value, False)


def best_open_loop(optimum: OptimumSource) -> SearchedPolicy:
    """Searches for the best plan that fixes the ad of every (slot, category) in advance, whatever the user does."""
    optimum = Optimum.of(optimum)
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
    tables, states = optimum.tables, optimum.programs[0].empty(by_last).size
    group = np.broadcast_to(group, (tables.n_videos, *group.shape[1:]))
    n_groups = int(group.max()) + 1
    constant = np.arange(tables.n_actions).repeat(tables.n_slots * n_groups).reshape(-1, tables.n_slots, n_groups)
    greedy = _greedy_plan(tables, group, n_groups)[None]
    rng = np.random.default_rng(0)
    at_random = rng.integers(0, tables.n_actions, (RANDOM_BEGINNINGS, tables.n_slots, n_groups))
    beginnings = np.concatenate([constant, greedy, at_random])
    n_stacks = min(len(beginnings), -(-len(beginnings) * tables.n_slots * states // STACK))
    found = [_improve(optimum, plans, group, by_last) for plans in np.array_split(beginnings, n_stacks)]
    plans, values = (np.concatenate(parts) for parts in zip(*found, strict=True))
    plan, value = plans[values.argmax()], float(values.max())
    return SearchedPolicy(Policy(ads=plan[:, group]), value, False)


def _greedy_plan(tables: Tables, seen: NDArray[np.int64], n_groups: int) -> NDArray[np.int64]:
    """Returns the plan with the largest immediate reward in every group, by one of its videos, int [T, G]."""
    reward = tables.arrays.base[0, 0, 0, 0] * tables.arrays.reward[0]
    by_video = (tables.arrays.match[0] * reward)[tables.kind].argmax(axis=1)
    plan = np.zeros(n_groups, dtype=np.int64)
    plan[seen] = by_video[:, None, None]
    return np.tile(plan, (tables.n_slots, 1))


def _improve(
    optimum: Optimum, plans: NDArray[np.int64], seen: NDArray[np.int64], by_last: bool
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sweeps over every plan until nothing improves it; returns (plans [C, T, G], values [C])."""
    plans, values, running = plans.copy(), np.full(len(plans), -np.inf), np.arange(len(plans))
    while len(running):
        plan, before = plans[running], values[running]
        value = _sweep(optimum, plan, seen, by_last)
        plans[running], values[running] = plan, value
        running = running[value > before * (1 + GAIN)]
    return plans, values


def _sweep(optimum: Optimum, plans: NDArray[np.int64], seen: NDArray[np.int64], by_last: bool) -> NDArray[np.float64]:
    """Improves a stack of plans [C, T, G] in place, backward over the slots; returns their values, float64 [C]."""
    programs, shares, (n, n_slots, n_groups) = optimum.programs, optimum.shares, plans.shape
    copy, groups = np.tile(np.arange(n), len(seen))[:, None, None], np.repeat(seen, n, axis=0)
    shape = programs[0].empty(by_last, n).shape

    def chosen(slot: int) -> Chosen:
        """Returns what every plan shows in every state."""
        return surely(np.broadcast_to(plans[copy, slot, groups].astype(np.int16), shape))

    group = np.broadcast_to(copy * n_groups + groups, shape)
    masses = [list(program.masses(chosen, by_last, n)) for program in programs]
    values = [program.empty(by_last, n) for program in programs]
    for slot in reversed(range(n_slots)):
        after = [p.before_next_video(v, slot + 1) for p, v in zip(programs, values, strict=True)]
        weighed = np.zeros((n * n_groups, optimum.tables.n_actions))
        for program, share, mass, future in zip(programs, shares, masses, after, strict=True):
            bellman.weigh(program.model(slot, copies=n), future, share * mass[slot], group, weighed)
        worth = weighed.reshape(n, n_groups, -1)
        now = np.take_along_axis(worth, plans[:, slot, :, None], axis=2)[..., 0]
        better = worth.max(axis=2) > now * (1 + GAIN / n_slots)
        plans[:, slot][better] = worth[better].argmax(axis=1)
        # New arrays: between two slots of one video, `after` are the old ones themselves.
        values = [np.empty_like(future) for future in after]
        for program, here, future in zip(programs, values, after, strict=True):
            bellman.follow(program.model(slot, copies=n), future, here, *chosen(slot))
    at_start = (share * program.at_starts(v) for share, program, v in zip(shares, programs, values, strict=True))
    return sum(at_start, np.zeros(n))
