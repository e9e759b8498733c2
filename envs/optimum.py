"""The exact optimum of a scenario on a catalog, and the exact value of any policy table.

Finite-horizon dynamic programming over (slot, video, fatigue, last outcome) for every phase of drift and every user
segment, on the same tables that the kernel plays. Values are expected revenue per session.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from preroll.envs import induction, kernel
from preroll.envs.policies import Policy
from preroll.envs.tables import Tables

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

    With hidden segments (several, and ``observe.segment`` false) it is the optimum of an agent that knows the segment:
    an upper bound, and :attr:`is_bound` says so.

    Args:
        tables: a compiled scenario.
        phase: the phase of drift; a session belongs to the phase in which it starts.
    """

    def __init__(self, tables: Tables, phase: int = 0) -> None:
        self.tables = tables
        self.phase = phase
        self._segments = [_Segment(tables, phase, segment) for segment in range(tables.n_segments)]
        self._shares = tables.shares(phase)

    @property
    def is_bound(self) -> bool:
        """Whether the value is an upper bound, because the agent cannot see the segment that the solution knows."""
        return self.tables.n_segments > 1 and "segment" not in self.tables.layout.parts

    @cached_property
    def _solutions(self) -> list[tuple[float, NDArray[np.int16]]]:
        return [segment.solve() for segment in self._segments]

    @cached_property
    def value(self) -> float:
        """Largest expected revenue of a session."""
        return float(sum(share * value for share, (value, _) in zip(self._shares, self._solutions, strict=True)))

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
                for share, segment in zip(self._shares, self._segments, strict=True)
            )
        )

    def visits(self, policy: Policy) -> Visits:
        """Exact probabilities of every (slot, video, action) under ``policy``, averaged over the segments."""
        full = policy.on(self.tables)
        parts = [segment.visits(full, policy.shape[-1] > 1) for segment in self._segments]
        return Visits(np.tensordot(self._shares, np.stack(parts), axes=1))


class _Segment:
    """The dynamic program of one phase and one segment."""

    def __init__(self, tables: Tables, phase: int, segment: int) -> None:
        arrays = tables.arrays
        self.tables, self.phase, self.segment = tables, phase, segment
        self.repeat = float(arrays.choice[phase, kernel.REPEAT])
        self.reward = arrays.reward[phase]
        self.kind = np.ascontiguousarray(tables.relevance_class)
        # [S, R, F, A], before repetition and clipping
        self.view = arrays.base[phase, segment][:, None] * arrays.match[phase][None, :, None, :]
        levels = np.arange(tables.n_levels)[:, None, None] + arrays.gain[phase]
        self.level = np.clip(levels, 0, tables.n_levels - 1).astype(np.int64)
        ads, viewed = np.arange(tables.n_actions)[:, None], np.arange(2)
        self.stay = 1.0 - arrays.hazard[phase, segment][ads, viewed, self.level]

    @cached_property
    def recommender(self) -> sparse.csr_matrix:
        """P(next video | video, no jump), sparse [N, N]; videos without neighbours have an empty row."""
        neighbors, n = self.tables.neighbors, self.tables.n_videos
        cumulated = self.tables.arrays.choice[self.phase, kernel.RANKS :]
        weights = np.where(neighbors >= 0, np.diff(cumulated, prepend=0.0), 0.0)
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
        rows, ranks = np.nonzero(neighbors >= 0)
        return sparse.csr_matrix((weights[rows, ranks], (rows, neighbors[rows, ranks])), shape=(n, n))

    @cached_property
    def jump(self) -> Floats:
        """Probability that the next video is any, by video; 1 without neighbours. float64 [N]."""
        alone = (self.tables.neighbors >= 0).sum(axis=1) == 0
        return np.where(alone, 1.0, self.tables.arrays.choice[self.phase, kernel.JUMP])

    def _before_next_video(self, value: Floats, slot: int) -> Floats:
        """Expected value at ``slot`` [N, F, M] seen from the slot before, whose video the first axis is."""
        if slot % self.view.shape[0]:
            return value
        flat = value.reshape(len(value), -1)
        jump = self.jump[:, None]
        expected = jump * flat.mean(axis=0) + (1 - jump) * (self.recommender @ flat)
        return np.ascontiguousarray(expected.reshape(value.shape))

    def _after_next_video(self, mass: Floats, slot: int) -> Floats:
        """Distribution at ``slot`` [N, F, M] from the one before the next video is drawn."""
        if slot % self.view.shape[0]:
            return mass
        flat = mass.reshape(len(mass), -1)
        jump = self.jump[:, None]
        moved = (jump * flat).sum(axis=0) / len(flat) + self.recommender.T @ ((1 - jump) * flat)
        return np.ascontiguousarray(moved.reshape(mass.shape))

    def _empty(self, by_last: bool) -> Floats:
        """Zeros [N, F, M], M = 1 where nothing depends on the last outcome."""
        n_last = 2 * self.tables.n_actions + 1 if by_last or self.tables.remembers_ads else 1
        return np.zeros((self.tables.n_videos, self.tables.n_levels, n_last))

    def _model(self, slot: int) -> tuple[Any, Any, Any, Any, Any, Any]:
        return self.view[slot % self.view.shape[0]], self.repeat, self.reward, self.level, self.stay, self.kind

    def solve(self) -> tuple[float, NDArray[np.int16]]:
        """(value, best ads int16 [T, N, F, M])."""
        value = self._empty(False)
        ads = np.empty((self.tables.n_slots, *value.shape), dtype=np.int16)
        for slot in reversed(range(self.tables.n_slots)):
            after = self._before_next_video(value, slot + 1)
            value = np.empty_like(value)
            induction.improve(*self._model(slot), after, value, ads[slot])
        return self._at_start(value), ads

    def value_of(self, policy: Policy, by_last: bool) -> float:
        """Value of a policy with full axes."""
        value = self._empty(by_last)
        last = slice(None) if value.shape[2] > 1 else slice(0, 1)
        where = (self.phase, self.segment)
        for slot in reversed(range(self.tables.n_slots)):
            after = self._before_next_video(value, slot + 1)
            value = np.empty_like(value)
            if policy.ads is not None:
                induction.follow_ads(*self._model(slot), after, value, policy.ads[where][slot][:, :, last])
            else:
                assert policy.probabilities is not None
                table = policy.probabilities[where][slot][:, :, last]
                induction.follow_probabilities(*self._model(slot), after, value, table)
        return self._at_start(value)

    def _at_start(self, value: Floats) -> float:
        """Value before the first video is drawn."""
        return float(value[:, 0, -1].mean())

    def visits(self, policy: Policy, by_last: bool) -> Floats:
        """Probability of every (slot, video, action), float64 [T, N, A]."""
        mass = self._empty(by_last)
        mass[:, 0, -1] = 1.0 / len(mass)
        last = slice(None) if mass.shape[2] > 1 else slice(0, 1)
        shown = np.zeros((self.tables.n_slots, len(mass), self.tables.n_actions))
        identity = np.eye(self.tables.n_actions)
        for slot in range(self.tables.n_slots):
            if policy.ads is not None:
                probabilities = identity[policy.ads[self.phase, self.segment, slot][:, :, last]]
            else:
                assert policy.probabilities is not None
                probabilities = policy.probabilities[self.phase, self.segment, slot][:, :, last]
            view, repeat, _, level, stay, kind = self._model(slot)
            there = np.empty_like(mass)
            induction.flow(view, repeat, level, stay, kind, mass, probabilities, there, shown[slot])
            mass = self._after_next_video(there, slot + 1)
        return shown
