"""Simulation of whole sessions of a policy table inside the kernel: a million of them in seconds."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from preroll.console.given import seed_of
from preroll.envs.kernel import layout, policy_rollout
from preroll.envs.kernel.lanes import Lanes
from preroll.envs.model.tables import Tables, TablesSource
from preroll.envs.policies.policy import axes
from preroll.envs.policies.tabulate import PolicySource, tabulate
from preroll.shown.card import Card
from preroll.shown.shown import ShownTable, told

if TYPE_CHECKING:
    import pandas as pd

#: Sessions that are played at once, for some seconds, by so many lanes or more.
AT_ONCE, FEWEST_LANES = 2_000_000, 64


@dataclass(frozen=True, repr=False)
class Rollout(ShownTable):
    """Outcome of sessions 0 … k - 1 in n lanes.

    Attributes:
        revenue: float64 [n, k], sum of the rewards of each session.
        slots: int32 [n, k], number of slots played.
        views: int32 [n, k], number of ads viewed.
        terminated: bool [n, k], whether the user left before the horizon.
        by_ad: int64 [n, A], how often each action was chosen in a lane.

    Examples:
        >>> from preroll.envs import Tables, fixed_policy, rollout
        >>> tables = Tables.compile("fatigue", "demo")
        >>> result = rollout(tables, fixed_policy(tables, "short"), seed=1, lanes=100, sessions_per_lane=10)
        >>> result.revenue.shape, float(result.revenue.mean()), float(result.slots.mean())
        ((100, 10), 7.786, 16.662)
    """

    revenue: NDArray[np.float64]
    slots: NDArray[np.int32]
    views: NDArray[np.int32]
    terminated: NDArray[np.bool_]
    by_ad: NDArray[np.int64]

    def to_frame(self) -> "pd.DataFrame":
        """Returns one row a session: its lane and number, revenue, slots, views, and whether the user left."""
        import pandas as pd

        lanes, each = self.revenue.shape
        columns = {"lane": np.repeat(np.arange(lanes), each), "session": np.tile(np.arange(each), lanes)}
        numbers = {name: array.ravel() for name, array in self._numbers.items()}
        return pd.DataFrame({**columns, **numbers, "terminated": self.terminated.ravel()})

    @property
    def _numbers(self) -> dict[str, NDArray[Any]]:
        return {"revenue": self.revenue, "slots": self.slots, "views": self.views}

    def _card(self) -> Card:
        lanes, each = self.revenue.shape
        facts = {
            "sessions": f"{lanes * each:,}, {each:,} of each of {lanes:,} lanes",
            "by ad": told(self.by_ad.sum(axis=0).tolist()),
            "left early": f"{100 * self.terminated.mean():.1f} % of the sessions",
        }
        rows = [(name, array.mean(), array.min(), array.max()) for name, array in self._numbers.items()]
        return Card("Sessions of a policy", facts, ("of a session", "mean", "least", "most"), rows)


def rollout(
    tables: TablesSource, policy: PolicySource, *, seed: int, lanes: int = 1000, sessions_per_lane: int = 100
) -> Rollout:
    """Plays sessions 0 … k - 1 of every lane to their end.

    Lane i plays the user stream seed + i, so that policies played with the same seed meet the same users with common
    random numbers. Sessions of a deterministic policy are identical to those obtained by stepping the vector
    environment.

    Args:
        tables: a compiled scenario, or one to compile: see :meth:`Tables.of`.
        policy: a policy table, or what has one: an agent, or what :func:`tabulate` takes.
        seed: seed of lane 0.
        lanes: n, number of lanes.
        sessions_per_lane: k, number of sessions per lane.

    Raises:
        PrerollError: If the policy table does not fit the scenario and the catalog.

    Examples:
        >>> from preroll.envs import Tables, greedy_policy, random_policy, rollout
        >>> tables = Tables.compile("classic", "demo")
        >>> greedy, random = (rollout(tables, policy(tables), seed=1) for policy in (greedy_policy, random_policy))
        >>> round(float((greedy.revenue - random.revenue).mean()), 2)  # paired: the same users
        7.79
    """
    tables = Tables.of(tables)
    full = tabulate(tables, policy).on(tables)
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
    ints = (np.zeros(block, np.int64) for _ in range(3))
    account = policy_rollout.Account(next(ints), next(ints), np.zeros(block), next(ints))
    seeds = np.arange(lanes, dtype=np.uint64) + np.uint64(seed_of(seed))
    some = max(FEWEST_LANES, AT_ONCE // max(sessions_per_lane, 1))
    for start in range(0, lanes, some):  # a signal is heard between two parts; no lane heeds the others
        part = slice(start, start + some)
        state, counted = Lanes.new(len(seeds[part])), np.zeros_like(counts[:, part], order="C")
        state.seed(np.arange(len(seeds[part])), seeds[part])
        policy_rollout.play_sessions(
            tables.packed.for_kernel(), state.words, ads, probabilities, account, revenue[part], counted, by_ad[part]
        )
        counts[:, part] = counted
    return Rollout(revenue, counts[0], counts[1], counts[2].astype(np.bool_), by_ad)
