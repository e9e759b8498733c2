"""The exact optimum of a scenario on a catalog, and the exact value of any policy table.

Finite-horizon dynamic programming over (slot, video, fatigue, last outcome) for every phase of drift and every user
segment, on the same tables that the kernel plays. Values are expected revenue per session.
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
    """What a policy does in a session, exactly.

    Attributes:
        shown: float64 [T, N, A], probability that slot t is reached, its video is v and the action is a.
        slots: expected number of slots of a session.
    """

    shown: Floats

    @property
    def slots(self) -> float:
        """Expected number of slots of a session."""
        return float(self.shown.sum())

    def shares(self) -> Floats:
        """Share of all slots that each action has, float64 [A]."""
        return np.asarray(self.shown.sum(axis=(0, 1)) / self.shown.sum())


class Optimum:
    """The optimum of compiled tables.

    It is the optimum of an agent that knows the whole state. Where the scenario hides a part of it, such as the user's
    segment, it is an upper bound: :attr:`is_bound` says so, and :attr:`hidden` why.

    Args:
        tables: a compiled scenario.
        phase: the phase of drift; a session belongs to the phase in which it starts.
    """

    def __init__(self, tables: Tables, phase: int = 0) -> None:
        self.tables = tables
        self.phase = phase
        self.programs = [DynamicProgram(tables, phase, segment) for segment in range(tables.n_segments)]
        self.shares = tables.shares(phase)

    @property
    def is_bound(self) -> bool:
        """Whether the value is an upper bound, because the solution knows what agents cannot."""
        return bool(self.hidden)

    @property
    def hidden(self) -> tuple[str, ...]:
        """What the solution knows, and an agent neither sees nor can work out from what it saw and did."""
        arrays, shown = self.tables.arrays, self.tables.layout.parts
        by_view = (arrays.gain[..., 0] != arrays.gain[..., 1]).any()  # else an agent can count its own ads
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
        """A policy that earns :attr:`value`: the first best action in every state."""
        return Policy(ads=np.stack([ads for _, ads in self._solutions])[None])

    def value_of(self, policy: Policy) -> float:
        """Exact expected revenue of a session under ``policy``, averaged over the segments."""
        full = policy.on(self.tables)
        return float(
            sum(
                share * segment.value_of(full, policy.shape[-1] > 1)
                for share, segment in zip(self.shares, self.programs, strict=True)
            )
        )

    def visits(self, policy: Policy) -> Visits:
        """Exact probabilities of every (slot, video, action) under ``policy``, averaged over the segments."""
        full = policy.on(self.tables)
        parts = [segment.visits(full, policy.shape[-1] > 1) for segment in self.programs]
        return Visits(np.tensordot(self.shares, np.stack(parts), axes=1))


def _differs(table: Floats) -> bool:
    """Whether a table [P, R, A] tells kinds of videos apart."""
    return bool((table != table[:, :1]).any())
