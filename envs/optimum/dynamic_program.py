"""Dynamic program of a session: exact values, best ads and exact visit probabilities, for one type of user."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from preroll.envs.kernel import layout
from preroll.envs.model.tables import Tables
from preroll.envs.optimum import bellman
from preroll.envs.policies.policy import Policy
from preroll.system.memory import COMPILED, require

Floats = NDArray[np.float64]


class DynamicProgram:
    """Finite-horizon dynamic program of one phase of drift and one user segment.

    State: (slot, video, fatigue, last outcome). Arrays over the states of one slot are [N, F, M], with M = 1 where
    nothing depends on the last outcome; the last axis is defined in :mod:`preroll.envs.policies.policy`.

    Args:
        tables: a compiled scenario.
        phase: the phase of drift.
        segment: the user segment.
    """

    def __init__(self, tables: Tables, phase: int, segment: int) -> None:
        arrays = tables.arrays
        self.tables, self.phase, self.segment = tables, phase, segment
        self.repeat = float(arrays.choice[phase, layout.REPEAT])
        self.reward = arrays.reward[phase]
        self.kind = np.ascontiguousarray(tables.kind)
        # [S, R, F, A], before repetition and clipping
        self.view = arrays.base[phase, segment][:, None] * arrays.match[phase][None, :, None, :]
        levels = np.arange(tables.n_levels)[:, None, None] + arrays.gain[phase]
        self.level = np.clip(levels, 0, tables.n_levels - 1).astype(np.int64)
        ads, viewed = np.arange(tables.n_actions)[:, None], np.arange(2)
        self.stay = 1.0 - arrays.hazard[phase, segment][ads, viewed, self.level]

    @cached_property
    def recommender(self) -> sparse.csr_matrix:
        """P(next video | video, no jump), sparse [N, N]; rows of videos without neighbours are empty."""
        neighbors, n = self.tables.neighbors, self.tables.n_videos
        cumulated = self.tables.arrays.choice[self.phase, layout.RANKS :]
        weights = np.where(neighbors >= 0, np.diff(cumulated, prepend=0.0), 0.0)
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
        rows, ranks = np.nonzero(neighbors >= 0)
        return sparse.csr_matrix((weights[rows, ranks], (rows, neighbors[rows, ranks])), shape=(n, n))

    @cached_property
    def jump(self) -> Floats:
        """Probability that the next video is drawn from the whole catalog, float64 [N]; 1 without neighbours."""
        alone = (self.tables.neighbors >= 0).sum(axis=1) == 0
        return np.where(alone, 1.0, self.tables.arrays.choice[self.phase, layout.JUMP])

    def before_next_video(self, value: Floats, slot: int) -> Floats:
        """Computes the expectation of ``value`` [N, F, M] at ``slot``, given the video of the previous slot.

        Between two slots of one video, it is ``value`` itself.
        """
        if slot % self.view.shape[0]:
            return value
        flat = value.reshape(len(value), -1)
        jump = self.jump[:, None]
        expected = jump * flat.mean(axis=0) + (1 - jump) * (self.recommender @ flat)
        return np.ascontiguousarray(expected.reshape(value.shape))

    def after_next_video(self, mass: Floats, slot: int) -> Floats:
        """Computes the state distribution [N, F, M] at ``slot`` from ``mass``, the one before the next video is drawn.

        Between two slots of one video, it is ``mass`` itself.
        """
        if slot % self.view.shape[0]:
            return mass
        flat = mass.reshape(len(mass), -1)
        jump = self.jump[:, None]
        moved = (jump * flat).sum(axis=0) / len(flat) + self.recommender.T @ ((1 - jump) * flat)
        return np.ascontiguousarray(moved.reshape(mass.shape))

    def empty(self, by_last: bool) -> Floats:
        """Returns zeros [N, F, M]; M = 1 where nothing depends on the last outcome."""
        n_last = 2 * self.tables.n_actions + 1 if by_last or self.tables.remembers_ads else 1
        return np.zeros((self.tables.n_videos, self.tables.n_levels, n_last))

    def model(self, slot: int) -> tuple[Any, Any, Any, Any, Any, Any]:
        """Returns the tables of a slot, in the order of the arguments of :mod:`preroll.envs.optimum.bellman`."""
        return self.view[slot % self.view.shape[0]], self.repeat, self.reward, self.level, self.stay, self.kind

    def solve(self) -> tuple[float, NDArray[np.int16]]:
        """Solves the program by backward induction.

        Returns:
            value: largest expected revenue of a session.
            ads: best actions, int16 [T, N, F, M].
        """
        states = self.tables.n_videos * self.tables.n_levels * (2 * self.tables.n_actions + 1)
        # The best ads of all slots, and four arrays of values.
        require("the exact optimum", COMPILED.plus(states * (2 * self.tables.n_slots + 4 * 8)))
        value = self.empty(False)
        ads = np.empty((self.tables.n_slots, *value.shape), dtype=np.int16)
        for slot, _, value, best in self.improved():  # noqa: B007  (the last one is that of the first slot)
            ads[slot] = best
        return self.at_start(value), ads

    def improved(
        self, begin: int = 0, end: int | None = None, value: Floats | None = None
    ) -> Iterator[tuple[int, Floats, Floats, NDArray[np.int16]]]:
        """Yields, from the last slot to the first, its number and arrays [N, F, M] of the optimum.

        They are what follows before the next video is drawn, the value of the slot, and the best ads.

        Args:
            begin: the first slot.
            end: the slot after the last one; by default the horizon.
            value: value of the optimum at ``end``, [N, F, M]; by default 0.
        """
        value = self.empty(False) if value is None else value
        for slot in reversed(range(begin, self.tables.n_slots if end is None else end)):
            after = self.before_next_video(value, slot + 1)
            value, ads = np.empty_like(value), np.empty(value.shape, dtype=np.int16)
            bellman.improve(*self.model(slot), after, value, ads)
            yield slot, after, value, ads

    def all_best(self) -> list[NDArray[np.uint8]]:
        """Returns all best actions of every slot, one bit for each: uint8 [N, F, M, ⌈A / 8⌉]; ties up to rounding."""
        found = []
        for slot, after, value, _ in self.improved():
            best = np.empty((*value.shape, self.tables.n_actions), dtype=np.bool_)
            bellman.mark_best(*self.model(slot), after, value, best)
            found.append(np.packbits(best, axis=-1))
        return found[::-1]

    def value_of(self, policy: Policy, by_last: bool) -> float:
        """Computes the expected revenue of a session under a policy with full axes."""
        value = self.empty(by_last)
        last = slice(None) if value.shape[2] > 1 else slice(0, 1)
        where = (self.phase, self.segment)
        for slot in reversed(range(self.tables.n_slots)):
            after = self.before_next_video(value, slot + 1)
            value = np.empty_like(value)
            if policy.ads is not None:
                bellman.follow_ads(*self.model(slot), after, value, policy.ads[where][slot][:, :, last])
            else:
                assert policy.probabilities is not None
                table = policy.probabilities[where][slot][:, :, last]
                bellman.follow_probabilities(*self.model(slot), after, value, table)
        return self.at_start(value)

    def start(self, by_last: bool) -> Floats:
        """Returns the state distribution at the first slot, [N, F, M]."""
        mass = self.empty(by_last)
        mass[:, 0, -1] = 1.0 / len(mass)
        return mass

    def at_start(self, value: Floats) -> float:
        """Computes the expected value before the first video is drawn."""
        return float(value[:, 0, -1].mean())

    def masses(self, ads: NDArray[np.integer[Any]], by_last: bool) -> Iterator[Floats]:
        """Yields the state distribution [N, F, M] at every slot under ads [T, N, F, M]."""
        identity = np.eye(self.tables.n_actions)
        mass = self.start(by_last)
        for slot in range(self.tables.n_slots):
            yield mass
            mass = self.flow(slot, mass, identity[ads[slot]], np.zeros((len(mass), self.tables.n_actions)))

    def visits(self, policy: Policy, by_last: bool) -> Floats:
        """Computes the probability of every (slot, video, action), float64 [T, N, A]."""
        mass = self.start(by_last)
        shown = np.zeros((self.tables.n_slots, len(mass), self.tables.n_actions))
        for slot in range(self.tables.n_slots):
            mass = self.flow(slot, mass, self.probabilities(policy, slot, mass), shown[slot])
        return shown

    def probabilities(self, policy: Policy, slot: int, mass: Floats) -> Floats:
        """Returns what a policy with full axes shows in the states of ``mass`` [N, F, M], [N, F, M, A]."""
        where = (self.phase, self.segment, slot, slice(None), slice(None), slice(mass.shape[2]))
        if policy.ads is not None:
            return np.asarray(np.eye(self.tables.n_actions)[policy.ads[where]])
        assert policy.probabilities is not None
        return policy.probabilities[where]

    def flow(self, slot: int, mass: Floats, probabilities: Floats, shown: Floats) -> Floats:
        """Computes the next slot's distribution; adds the probability of every (video, action) to ``shown`` [N, A]."""
        view, repeat, _, level, stay, kind = self.model(slot)
        there = np.empty_like(mass)
        bellman.flow(view, repeat, level, stay, kind, mass, probabilities, there, shown)
        return self.after_next_video(there, slot + 1)
