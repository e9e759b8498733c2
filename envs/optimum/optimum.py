"""Exact optimum of a scenario on a catalog, and exact value of any policy table.

Finite-horizon dynamic programming over (slot, video, fatigue, last outcome) for every phase of drift and every user
segment, on the tables that the kernel uses. Values are expected revenue per session.
"""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.part_of import part_of, titled
from preroll.envs.model.tables import Tables, TablesSource
from preroll.envs.optimum.dynamic_program import Advance, DynamicProgram, solved
from preroll.envs.optimum.explanation import Explanation, explanation_of
from preroll.envs.optimum.knowledge import Knowledge, in_words
from preroll.envs.optimum.losses import Losses, losses
from preroll.envs.policies.policy import Policy
from preroll.envs.policies.tabulate import PolicySource, tabulate
from preroll.shown.card import Card
from preroll.shown.shown import Shown, ShownTable
from preroll.system.memory import COMPILED, require

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Visits(Shown):
    """Exact visit probabilities of a policy.

    Attributes:
        shown: float64 [T, N, A], probability that slot t is reached, its video is v and the action is a.
    """

    shown: Floats

    @property
    def slots(self) -> float:
        """Expected number of slots of a session."""
        return float(self.shown.sum())

    def shares(self) -> Floats:
        """Returns the share of all slots in which each action is chosen, float64 [A]."""
        return np.asarray(self.shown.sum(axis=(0, 1)) / self.shown.sum())


class Optimum(ShownTable):
    """Exact optimum of a compiled scenario, by dynamic programming.

    It is the optimum of an agent that knows the whole state. Where no agent can know all that it needs, such as the
    user's segment, it is an upper bound; where agents can, but only by heart, it is reached: see :attr:`knowledge`.

    Args:
        tables: a compiled scenario, or one to compile: see :meth:`Tables.of`.
        phase: the phase of drift; a session belongs to the phase in which it starts.

    Raises:
        PrerollError: there is no such phase.

    Attributes:
        knowledge: what the optimum knows that agents do not see.

    Examples:
        >>> from preroll.envs import Optimum, Tables, greedy_policy
        >>> tables = Tables.compile("fatigue", "demo")
        >>> optimum = Optimum(tables)
        >>> round(optimum.value, 3), round(optimum.value_of(greedy_policy(tables)), 3)
        (8.842, 6.396)
        >>> round(optimum.visits(optimum.policy).slots, 2), optimum.is_bound
        (20.08, False)
    """

    def __init__(self, tables: TablesSource, phase: int = 0) -> None:
        self.tables = tables = Tables.of(tables)
        part_of(tables.scenario, phase)  # raises, before an axis is asked for what it has not
        self.phase = phase
        self.programs = [DynamicProgram(tables, phase, segment) for segment in range(tables.n_segments)]
        self.shares = tables.shares(phase)
        self.knowledge = Knowledge(self.programs, self.shares)

    @classmethod
    def of(cls, source: "OptimumSource") -> "Optimum":
        """Returns an optimum unchanged; of tables, or a scenario to compile, that of the first phase of drift."""
        return source if isinstance(source, Optimum) else cls(source)

    @property
    def is_bound(self) -> bool:
        """Whether the value is an upper bound: no policy of the history of observations and own actions earns it."""
        return bool(self.hidden)

    @property
    def hidden(self) -> tuple[str, ...]:
        """Parts of the state because of which no agent earns the value: ``knowledge.unreachable``."""
        return self.knowledge.unreachable

    @cached_property
    def _solution(self) -> tuple[list[float], NDArray[np.int16]]:
        """Value by segment, and best ads [U, T, N, F, M]."""
        return solved(self.programs)

    def solve(self, advance: Advance) -> None:
        """Computes value and policy now, not when one of them is first asked for.

        Args:
            advance: called with 1 after each of the T slots of each of the U segments.

        Raises:
            PrerollError: If this machine has no memory, or its disk no room for the policy.
        """
        self.__dict__["_solution"] = solved(self.programs, advance)

    @cached_property
    def value(self) -> float:
        """Largest expected revenue of a session."""
        return float(sum(share * value for share, value in zip(self.shares, self._solution[0], strict=True)))

    @cached_property
    def policy(self) -> Policy:
        """A policy that earns :attr:`value`: the first of the best actions in every state."""
        return Policy(ads=self._solution[1])

    def value_of(self, policy: PolicySource) -> float:
        """Computes the exact expected revenue of a session under ``policy``, averaged over the segments.

        Args:
            policy: a policy table, or what has one: an agent, or what :func:`tabulate` takes.

        Raises:
            PrerollError: If it has no table, or one that does not fit the scenario and the catalog.
        """
        policy = tabulate(self.tables, policy)
        full = policy.on(self.tables)
        return float(
            sum(
                share * segment.value_of(full, policy.shape[-1] > 1)
                for share, segment in zip(self.shares, self.programs, strict=True)
            )
        )

    def visits(self, policy: PolicySource) -> Visits:
        """Computes the exact probability of every (slot, video, action) under ``policy``, averaged over the segments.

        Raises:
            PrerollError: If the policy table does not fit the scenario and the catalog, or this machine has no memory.
        """
        return Visits(self._shown(tabulate(self.tables, policy), self.tables.n_slots))

    def shown(self, policy: PolicySource) -> Floats:
        """Computes how often ``policy`` shows each action in a session, float64 [A], without the memory of visits.

        Raises:
            PrerollError: If the policy table does not fit the scenario and the catalog.
        """
        return np.asarray(self._shown(tabulate(self.tables, policy)).sum(axis=0))

    def _shown(self, policy: Policy, *axes: int) -> Floats:
        """Computes the probability of every (video, action), of the slots of the axes or of all together."""
        full, shape = policy.on(self.tables), (*axes, self.tables.n_videos, self.tables.n_actions)
        require("the visits of a policy", COMPILED.plus(2 * 8 * prod(shape)))
        total, own = np.zeros(shape), np.zeros(shape)
        for share, segment in zip(self.shares, self.programs, strict=True):
            own[:] = 0.0
            segment.visits(full, policy.shape[-1] > 1, own)
            own *= share
            total += own
        return total

    def explain(self, policy: PolicySource) -> Explanation:
        """Computes exactly where ``policy`` loses revenue, by parts that add up to the optimum minus its value.

        Where the optimum is a bound, the parts hold the price of what no agent can know.

        Raises:
            PrerollError: If the policy table does not fit the scenario and the catalog.
        """
        return explanation_of(self.tables, self.losses(tabulate(self.tables, policy)))

    def losses(self, policy: Policy) -> Losses:
        """Computes what ``policy`` loses by groups of states, averaged over the segments."""
        full = policy.on(self.tables)
        return Losses.mean(self.shares, [losses(segment, full, policy.shape[-1] > 1) for segment in self.programs])

    def to_frame(self) -> "pd.DataFrame":
        """Returns one row an ad, by category: how often it is shown in a session, and its share of the slots."""
        import pandas as pd

        shown = self.shown(self.policy)[list(self.tables.spec.listed)]
        ads = [{name: row[name] for name in ("action", "ad", "category", "length")} for row in self.tables.spec]
        return pd.DataFrame(ads).assign(per_session=shown, share=shown / shown.sum())

    def plot(self, ax: "Axes | None" = None, *, segment: int = 0) -> "Axes":
        """Draws the best ad by category, slot and fatigue level: :meth:`Policy.plot` of the optimum.

        Args:
            ax: the axes to draw on; new ones by default.
            segment: segment of the user.

        Raises:
            PrerollError: there is no such segment.
        """
        return self.policy.plot(self.tables, ax, phase=self.phase, segment=segment, what="the best ad, exactly")

    def _card(self) -> Card:
        shown, labels = self.shown(self.policy), self.tables.spec.labels
        facts = {
            "value": f"{self.value:.4f} of revenue per session",
            "is": in_words(self.knowledge.note),
            "slots": f"{shown.sum():.2f} per session, of at most {self.tables.n_slots}",
        }
        rows = [(labels[ad], shown[ad], f"{100 * shown[ad] / shown.sum():.1f} %") for ad in np.argsort(-shown)]
        scenario = self.tables.scenario
        title = titled(f"Optimum of scenario {scenario.name}", scenario, self.phase)
        return Card(title, facts, ("ad", "per session", "of slots"), rows)


#: An optimum, or what it is made of.
OptimumSource = Optimum | TablesSource
