"""Exact optimum of a scenario on a catalog, and exact value of any policy table.

Finite-horizon dynamic programming over (slot, video, fatigue, last outcome) for every phase of drift and every user
segment, on the tables that the kernel uses. Values are expected revenue per session.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.tables import Tables
from preroll.envs.optimum.dynamic_program import DynamicProgram
from preroll.envs.policies.policy import Policy

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Visits:
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


class Optimum:
    """Exact optimum of a compiled scenario, by dynamic programming.

    It is the optimum of an agent that observes the whole state. Where the scenario hides a part of the state, such as
    the user's segment, it is an upper bound: see :attr:`is_bound` and :attr:`hidden`.

    Args:
        tables: a compiled scenario.
        phase: the phase of drift; a session belongs to the phase in which it starts.

    Examples:
        >>> from preroll.envs import Optimum, Tables, greedy_policy
        >>> tables = Tables.compile("fatigue", "demo")
        >>> optimum = Optimum(tables)
        >>> round(optimum.value, 3), round(optimum.value_of(greedy_policy(tables)), 3)
        (8.842, 6.396)
        >>> round(optimum.visits(optimum.policy).slots, 2), optimum.is_bound
        (20.08, False)
    """

    def __init__(self, tables: Tables, phase: int = 0) -> None:
        self.tables = tables
        self.phase = phase
        self.programs = [DynamicProgram(tables, phase, segment) for segment in range(tables.n_segments)]
        self.shares = tables.shares(phase)

    @property
    def is_bound(self) -> bool:
        """Whether the value is an upper bound, because the solution uses state that agents cannot observe."""
        return bool(self.hidden)

    @property
    def hidden(self) -> tuple[str, ...]:
        """Parts of the state that agents can neither observe nor deduce from their observations and actions."""
        arrays, shown = self.tables.arrays, self.tables.layout.parts
        by_view = (arrays.gain[..., 0] != arrays.gain[..., 1]).any()  # else it follows from the agent's own actions
        hides = {
            "segment": self.tables.n_segments > 1 and "segment" not in shown,
            "fatigue": self.tables.n_levels > 1 and by_view and not {"fatigue", "last_view"} & set(shown),
            "category": _differs(arrays.match) and self.tables.scenario.observe.category is not True,
            "memorability": _differs(arrays.reward) and "memorability" not in shown,
        }
        return tuple(name for name, hidden in hides.items() if hidden)

    @cached_property
    def _solutions(self) -> list[tuple[float, NDArray[np.int16]]]:
        return [segment.solve() for segment in self.programs]

    @cached_property
    def value(self) -> float:
        """Largest expected revenue of a session."""
        return float(sum(share * value for share, (value, _) in zip(self.shares, self._solutions, strict=True)))

    @cached_property
    def policy(self) -> Policy:
        """A policy that earns :attr:`value`: the first of the best actions in every state."""
        return Policy(ads=np.stack([ads for _, ads in self._solutions])[None])

    def value_of(self, policy: Policy) -> float:
        """Computes the exact expected revenue of a session under ``policy``, averaged over the segments.

        Raises:
            PrerollError: If the policy table does not fit the scenario and the catalog.
        """
        full = policy.on(self.tables)
        return float(
            sum(
                share * segment.value_of(full, policy.shape[-1] > 1)
                for share, segment in zip(self.shares, self.programs, strict=True)
            )
        )

    def visits(self, policy: Policy) -> Visits:
        """Computes the exact probability of every (slot, video, action) under ``policy``, averaged over the segments.

        Raises:
            PrerollError: If the policy table does not fit the scenario and the catalog.
        """
        full = policy.on(self.tables)
        parts = [segment.visits(full, policy.shape[-1] > 1) for segment in self.programs]
        return Visits(np.tensordot(self.shares, np.stack(parts), axes=1))


def _differs(table: Floats) -> bool:
    """Returns whether a table [P, R, A] differs between kinds of videos."""
    return bool((table != table[:, :1]).any())
