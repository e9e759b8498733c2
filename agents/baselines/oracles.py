"""Oracles, which know the true tables: the myopic policy, the best fixed ad per category and the exact optimum."""

from abc import abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from preroll.agents.agent import Agent, Arrays
from preroll.agents.baselines.observation_decoder import SessionState
from preroll.agents.selection import sample_actions
from preroll.agents.settings import AgentSettings
from preroll.envs.model.tables import Tables, TablesSource
from preroll.envs.policies.policy import Policy, by_phase

SEGMENT, SLOT, VIDEO, LAST = 1, 2, 3, 5  # axes of a policy table; no observation shows axis 0, the phase


class Oracle(Agent):
    """Base class of agents that follow a policy table computed from the true tables.

    Created by :meth:`from_tables`, not from a :class:`SessionSpec` alone.

    :meth:`policy` returns the table itself, independently of what observations show. :meth:`act` decodes the state
    from the observation, so it fails if the scenario hides a part on which the table depends, or users answer
    differently before videos that look alike; under drift, which observations never show, it follows the first phase.
    """

    needs_tables = True

    table: Policy
    state: SessionState
    #: Whether it takes videos for others that look alike, before which users answer and it chooses otherwise.
    mistakes_videos = False

    @classmethod
    @abstractmethod
    def solve(cls, tables: Tables) -> Policy:
        """Computes the policy table of this oracle."""

    @classmethod
    def from_tables(cls, tables: Tables, settings: AgentSettings, *, seed: int = 0) -> Self:
        """Creates the oracle of ``tables``."""
        oracle = cls(tables.spec, settings, seed=seed)
        oracle._know(cls.solve(tables), tables.arrays.rows)
        oracle.mistakes_videos = oracle._mistakes_videos(tables)
        return oracle

    def _know(self, table: Policy, rows: NDArray[np.float32]) -> None:
        self.table = table
        self.rows = rows
        self.state = SessionState(self.spec, rows, self.name)
        # Axes along which the table is constant are reduced to length 1: they need not be decoded from observations.
        entries = table.ads[..., None] if table.ads is not None else table.probabilities
        assert entries is not None
        self._entries = entries[:1]
        for axis in range(SEGMENT, LAST + 1):
            first = self._entries.take([0], axis=axis)
            if (self._entries == first).all():
                self._entries = first
        position, slots = self.spec.layout.parts.get("position"), np.arange(self._entries.shape[SLOT])
        # Where the slots of every video have the same entries, the position of the slot says enough.
        self._by_position = position is not None and bool(
            (self._entries == self._entries.take(slots % position.size, axis=SLOT)).all()
        )

    def _mistakes_videos(self, tables: Tables) -> bool:
        if self._entries.shape[VIDEO] == 1:
            return False
        alike, kind = self.state.alike, tables.kind
        answers = np.concatenate([tables.arrays.match, tables.arrays.reward], axis=2)
        wrong = np.flatnonzero((answers[:, kind] != answers[:, kind[alike]]).any(axis=(0, 2)))
        shown, meant = (self._entries.take(videos, axis=VIDEO) for videos in (alike[wrong], wrong))
        return bool((shown != meant).any())

    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Draws from the probabilities of the table, with or without ``explore``."""
        return sample_actions(self.action_probabilities(observations), self.rng)

    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Returns the exact probabilities of the table at the state that each observation shows."""
        if self.mistakes_videos:
            raise self.state.cannot_act("users answer differently before videos that look alike to it")
        shape = self._entries.shape
        slot = self.state.position if self._by_position else self.state.slot
        readers = [None, self.state.segment, slot, self.state.video, self.state.fatigue, self.state.last]
        nowhere = np.zeros(len(observations), dtype=np.int64)
        place = tuple(
            read(observations) if read is not None and shape[axis] > 1 else nowhere for axis, read in enumerate(readers)
        )
        found = self._entries[place]
        if self.table.ads is not None:
            found = np.eye(self.spec.n_actions)[found[:, 0]]
        return found.astype(np.float64)

    def policy(self, tables: TablesSource) -> Policy:
        """Returns the oracle's table."""
        return self.table

    def state_arrays(self, *, training: bool = False) -> Arrays:
        """Returns the table and the rows by which videos are found; {} before they are known."""
        if not hasattr(self, "table"):
            return {}
        if self.table.ads is not None:
            return {"ads": self.table.ads, "rows": self.rows}
        assert self.table.probabilities is not None
        return {"probabilities": self.table.probabilities, "rows": self.rows}

    def state_scalars(self, *, training: bool = False) -> dict[str, Any]:
        """Returns whether videos are mistaken for others, where they are."""
        return {"mistakes_videos": True} if self.mistakes_videos else {}

    def load_state(self, arrays: Arrays, scalars: dict[str, Any]) -> None:
        """Restores table and rows.

        Raises:
            ValueError: their shapes do not fit each other or the number of actions.
        """
        table, rows = Policy(ads=arrays.get("ads"), probabilities=arrays.get("probabilities")), arrays["rows"]
        self._know(table, rows)
        self.mistakes_videos = bool(scalars.get("mistakes_videos"))
        one_ad, videos = table.ads is not None, self._entries.shape[VIDEO]
        choices = 1 + int(self._entries.max()) if one_ad else self._entries.shape[-1]
        if self._entries.ndim != LAST + 2 or videos not in (1, len(rows)) or choices > self.spec.n_actions:
            raise ValueError(f"the table {list(self._entries.shape)} does not fit {len(rows)} videos and the ads")


class Greedy(Oracle):
    """The ad with the largest expected reward of the next slot on the true tables, drawn among ties.

    Examples:
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import Optimum, Tables
        >>> tables = Tables.compile("fatigue", "demo")
        >>> optimum = Optimum(tables)
        >>> round(optimum.value_of(make_agent("greedy", tables).policy(tables)), 2), round(optimum.value, 2)
        (6.4, 8.84)
    """

    name = "greedy"

    @classmethod
    def solve(cls, tables: Tables) -> Policy:
        """Computes :func:`preroll.envs.policies.greedy.greedy_policy`."""
        from preroll.envs.policies.greedy import greedy_policy

        return greedy_policy(tables)


class BestFixed(Oracle):
    """The same ad before all videos of a category: the best such policy of every phase, computed on the true tables.

    Examples:
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import Optimum, Tables
        >>> tables = Tables.compile("fatigue", "demo")
        >>> optimum = Optimum(tables)
        >>> round(optimum.value_of(make_agent("fixed", tables).policy(tables)), 2), round(optimum.value, 2)
        (7.93, 8.84)
    """

    name = "fixed"

    @classmethod
    def solve(cls, tables: Tables) -> Policy:
        """Computes :func:`preroll.envs.optimum.restricted.best_fixed` for every phase."""
        from preroll.envs.optimum.optimum import Optimum
        from preroll.envs.optimum.restricted import best_fixed

        return by_phase([best_fixed(Optimum(tables, phase)).policy for phase in range(tables.n_phases)])


class OptimalAgent(Oracle):
    """The exact optimum of every phase.

    Examples:
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import Optimum, Tables
        >>> tables = Tables.compile("fatigue", "demo")
        >>> optimum = Optimum(tables)
        >>> round(optimum.value_of(make_agent("optimum", tables).policy(tables)), 2), round(optimum.value, 2)
        (8.84, 8.84)
    """

    name = "optimum"

    @classmethod
    def solve(cls, tables: Tables) -> Policy:
        """Solves every phase by dynamic programming."""
        from preroll.envs.optimum.phases import PhasedOptimum

        return PhasedOptimum(tables).policy
