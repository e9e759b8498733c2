"""Exact values over the phases of drift: the optimum, and the value of any policy table."""

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.part_of import part_of
from preroll.envs.model.tables import Tables, TablesSource
from preroll.envs.optimum.belief import BeliefOptimum, belief_optimum, can_infer
from preroll.envs.optimum.explanation import Explanation, explanation_of
from preroll.envs.optimum.knowledge import in_words, note_of
from preroll.envs.optimum.losses import Losses, LossLedger
from preroll.envs.optimum.optimum import Optimum
from preroll.envs.policies.greedy import greedy_policy
from preroll.envs.policies.policy import Policy, by_phase
from preroll.envs.policies.simple import random_policy
from preroll.envs.policies.tabulate import PolicySource, policy_of
from preroll.errors import PrerollError
from preroll.shown.card import Card
from preroll.shown.shown import ShownTable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Known = TypeVar("Known")


class PhasedOptimum(ShownTable):
    """Exact values of a compiled scenario in expected revenue per session, averaged over the phases of drift.

    Args:
        tables: a compiled scenario, or one to compile: see :meth:`Tables.of`.
        sessions_per_lane: k ≥ 1; with drift, values are averages over the phases of sessions 0 … k - 1 of a lane. By
            default all phases count alike.

    Attributes:
        phase_start: int64 [P], first session of each phase in a lane.

    Examples:
        >>> from preroll.envs import PhasedOptimum, Tables, fixed_policy
        >>> tables = Tables.compile("drift", "demo")
        >>> exact = PhasedOptimum(tables, sessions_per_lane=300)
        >>> exact.phase_start, exact.optimum_by_phase.round(2)
        (array([  0, 100, 200]), array([17.98, 18.7 , 17.98]))
        >>> round(exact.optimum, 2), round(exact.value_of(fixed_policy(tables, "long")), 2)
        (18.22, 17.01)
    """

    def __init__(self, tables: TablesSource, sessions_per_lane: int | None = None) -> None:
        self.tables = tables = Tables.of(tables)
        self.phase_start = np.array([start for start, _ in tables.scenario.phases])
        k = sessions_per_lane
        played = np.ones(len(self.phase_start)) if k is None else np.diff(np.minimum([*self.phase_start, k], k))
        self._weights = played / played.sum()

    @cached_property
    def _phases(self) -> list[Optimum]:
        return [Optimum(self.tables, phase) for phase in range(self.tables.n_phases)]

    def over(self, sessions_per_lane: int) -> "PhasedOptimum":
        """Returns the values of lanes of another length, which share what has been computed of the phases."""
        other = PhasedOptimum(self.tables, sessions_per_lane)
        other.__dict__ |= {"_phases": self._phases, "_last": self._last}
        return other

    @property
    def is_bound(self) -> bool:
        """Whether the optimum is an upper bound: in some phase that is played, no agent can earn it."""
        return any(phase.is_bound for _, phase in self._played)

    @property
    def note(self) -> str:
        """What the optimum knows in the phases that are played and agents do not see; empty if there is nothing."""
        hidden = dict.fromkeys(name for _, phase in self._played for name in phase.hidden)
        by_heart = dict.fromkeys(name for _, phase in self._played for name in phase.knowledge.by_heart)
        return note_of(list(hidden), [name for name in by_heart if name not in hidden])

    @property
    def _played(self) -> list[tuple[float, Optimum]]:
        """The phases that are played, with their shares of the sessions."""
        return [(w, phase) for w, phase in zip(self._weights.tolist(), self._phases, strict=True) if w > 0]

    @cached_property
    def optimum_by_phase(self) -> NDArray[np.float64]:
        """Optimum of every phase, float64 [P]."""
        return np.array([phase.value for phase in self._phases])

    @cached_property
    def optimum(self) -> float:
        """Largest expected revenue per session."""
        return float(self._weights @ self.optimum_by_phase)

    def value_of(self, policy: PolicySource) -> float:
        """Computes the exact expected revenue per session of ``policy``, as :meth:`Optimum.value_of`."""
        policy = policy_of(policy, self.tables)
        return self._known("value", policy, lambda: float(sum(w * one.value_of(policy) for w, one in self._played)))

    def explain(self, policy: PolicySource) -> Explanation:
        """Computes exactly where ``policy`` loses revenue per session, as :meth:`Optimum.explain`."""
        policy = policy_of(policy, self.tables)

        def explained() -> Explanation:
            weights, phases = zip(*self._played, strict=True)
            return explanation_of(self.tables, Losses.mean(weights, [phase.losses(policy) for phase in phases]))

        return self._known("explanation", policy, explained)

    @cached_property
    def _last(self) -> dict[str, tuple[bytes, Any]]:
        """What was computed last, with a hash of what it is of."""
        return {}

    def _known(self, what: str, policy: Policy, compute: Callable[[], Known]) -> Known:
        """Returns what was computed last if it is of this policy: every seed of an agent that does not learn is."""
        key = _digest(self._weights) + _digest(policy.ads) + _digest(policy.probabilities)
        if self._last.get(what, (b"",))[0] != key:
            self._last[what] = key, compute()
        found: Known = self._last[what][1]
        return found

    def to_frame(self) -> "pd.DataFrame":
        """Returns one row an ad of every phase: :meth:`Optimum.to_frame`, with the phase and its first session.

        Phases count from 0, as arguments do; in words they count from 1.
        """
        import pandas as pd

        starts = self.phase_start.tolist()
        frames = [
            one.to_frame().assign(phase=phase, from_session=start)
            for phase, (start, one) in enumerate(zip(starts, self._phases, strict=True))
        ]
        return pd.concat(frames, ignore_index=True)

    def plot(self, ax: "Axes | None" = None, *, phase: int = 0, segment: int = 0) -> "Axes":
        """Draws the best ads of one phase: :meth:`Optimum.plot`.

        Args:
            ax: the axes to draw on; new ones by default.
            phase: phase of drift.
            segment: segment of the user.

        Raises:
            PrerollError: there is no such phase or segment.
        """
        part_of(self.tables.scenario, phase, segment)
        return self._phases[phase].plot(ax, segment=segment)

    def _card(self) -> Card:
        facts = {
            "value": f"{self.optimum:.4f} of revenue per session, on average over the phases that are played",
            "is": in_words(self.note),
        }
        rows = [
            (f"{phase + 1} of {len(self._weights)}", start, f"{100 * share:.1f} %", value)
            for phase, (start, share, value) in enumerate(
                zip(self.phase_start.tolist(), self._weights, self.optimum_by_phase, strict=True)
            )
        ]
        title = f"Optimum of scenario {self.tables.scenario.name}"
        return Card(title, facts, ("phase", "from session", "of the sessions", "optimum"), rows)

    def loss_ledger(self, lanes: int) -> LossLedger:
        """Returns a ledger of what is lost in simulated sessions of parallel lanes."""
        return LossLedger([program for phase in self._phases for program in phase.programs], lanes)

    def belief_optimum(self) -> BeliefOptimum | None:
        """Computes bounds of what an agent earns that infers the hidden segment; None where they are not known.

        That is where something else is hidden too, or the problem is too large.
        """
        bounds = []
        for w, phase in self._played:
            if phase.is_bound and not can_infer(phase):
                return None
            try:
                here = belief_optimum(phase) if phase.is_bound else BeliefOptimum(phase.value, phase.value)
            except PrerollError:  # too large
                return None
            bounds.append((w * here.lower, w * here.upper))
        return BeliefOptimum(*(float(sum(ends)) for ends in zip(*bounds, strict=True)))

    @cached_property
    def policy(self) -> Policy:
        """A policy that earns the optimum of every phase."""
        return by_phase([phase.policy for phase in self._phases])

    @cached_property
    def references(self) -> dict[str, Policy]:
        """Policies with which every agent is compared, by name: random, greedy, optimum."""
        return {"random": random_policy(self.tables), "greedy": greedy_policy(self.tables), "optimum": self.policy}


def _digest(table: NDArray[Any] | None) -> bytes:
    """Returns a hash of an array."""
    if table is None:
        return b"none"
    told = f"{table.dtype} {table.shape} ".encode()
    return told + hashlib.sha256(np.ascontiguousarray(table).data).digest()  # processors have instructions for it
