"""Dynamic program of a session: exact values, best ads and exact visit probabilities, for one type of user."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from preroll.envs.kernel import layout
from preroll.envs.model.tables import Tables
from preroll.envs.optimum import bellman
from preroll.envs.policies.policy import Policy
from preroll.files.large_array import in_memory, large_array, let_go
from preroll.system.memory import COMPILED, require

Floats = NDArray[np.float64]
Ads = NDArray[np.int16]
#: What a policy shows in the states of a slot: ads int16 [N, F, M, J] and their probabilities, float64 of that shape.
Chosen = tuple[Ads, Floats]
Advance = Callable[[int], None]
BLOCK = 2**20  # values whose expectations are computed together: 8 MiB


class DynamicProgram:
    """Finite-horizon dynamic program of one phase of drift and one user segment.

    State: (slot, video, fatigue, last outcome). Arrays over the states of one slot are [N, F, M]. M is 1 where nothing
    depends on the last outcome, A + 1 where something depends on the last ad (the last outcome is that there was none),
    and 2A + 1 where a policy does, as defined in :mod:`preroll.envs.policies.policy`.

    Several policies are valued at once in a stack of C copies, [N · C, F, M], as if every video stood there C times.

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
        after = np.empty_like(value)
        for rows, expected in self.following(value, slot):
            after[rows] = expected
        return after

    def following(self, value: Floats, slot: int) -> Iterator[tuple[slice, Floats]]:
        """Yields what :meth:`before_next_video` returns by blocks: rows of the array, and their expectation."""
        if slot % self.view.shape[0]:
            yield slice(None), value
            return
        n, flat = self.tables.n_videos, value.reshape(self.tables.n_videos, -1)
        mean, size, copies = self._added(value) / n, max(1, BLOCK // flat.shape[1]), len(value) // n
        for begin in range(0, n, size):
            rows = slice(begin, min(begin + size, n))
            jump, links = self.jump[rows, None], self.recommender if size >= n else self.recommender[rows]
            expected = links @ flat
            expected *= 1 - jump
            expected += jump * mean
            yield slice(rows.start * copies, rows.stop * copies), expected.reshape(-1, *value.shape[1:])

    def after_next_video(self, mass: Floats, slot: int) -> Floats:
        """Computes the state distribution [N, F, M] at ``slot`` from ``mass``, the one before the next video is drawn.

        Between two slots of one video, it is ``mass`` itself.
        """
        if slot % self.view.shape[0]:
            return mass
        n, flat = self.tables.n_videos, mass.reshape(self.tables.n_videos, -1)
        jump = self.jump[:, None]
        moved = self._backwards @ ((1 - jump) * flat)
        moved += self._added((jump * flat).reshape(mass.shape)) / n
        return np.asarray(moved.reshape(mass.shape))

    @cached_property
    def _backwards(self) -> sparse.csc_matrix:
        return self.recommender.T

    def _added(self, table: Floats) -> Floats:
        """Computes the sums over the videos of a table [N · C, F, M], [C · F · M]."""
        flat = table.reshape(self.tables.n_videos, -1)
        if table.shape[1:] == (1, 1):  # NumPy adds a single column up pairwise, and so it shall in a stack
            flat = np.ascontiguousarray(flat.T)
            return np.asarray(flat.sum(axis=1))
        return np.asarray(flat.sum(axis=0))

    def empty(self, by_last: bool, copies: int = 1) -> Floats:
        """Returns zeros [N · C, F, M], for policies that depend on the last outcome or not."""
        n_last = 2 * self.tables.n_actions + 1 if by_last else self.n_last
        return np.zeros((self.tables.n_videos * copies, self.tables.n_levels, n_last))

    @property
    def n_last(self) -> int:
        """Number M of last outcomes that the future depends on, whatever a policy does."""
        return self.tables.n_actions + 1 if self.tables.remembers_ads else 1

    def model(self, slot: int, rows: slice = slice(None), copies: int = 1) -> bellman.SlotModel:
        """Returns the tables of a slot, of some videos, each C times."""
        kind = self.kind if copies == 1 else np.repeat(self.kind, copies)
        view = self.view[slot % self.view.shape[0]]
        return bellman.SlotModel(view, self.repeat, self.reward, self.level, self.stay, kind[rows])

    @property
    def n_told(self) -> int:
        """Number of last outcomes in a table of the best ads, which tells views apart as every policy may."""
        return 2 * self.tables.n_actions + 1 if self.n_last > 1 else 1

    def solve(self, ads: Ads, advance: Advance = lambda _: None) -> float:
        """Solves the program by backward induction.

        Args:
            ads: where to write the best ads of all slots, int16 [T, N, F, 1 or 2A + 1].
            advance: called with 1 after every slot.

        Returns:
            The largest expected revenue of a session.
        """
        value, better = self.empty(False), self.empty(False)
        q = np.empty((2, self.tables.n_actions))
        for slot in reversed(range(self.tables.n_slots)):
            for rows, after in self.following(value, slot + 1):
                bellman.improve(self.model(slot, rows), after, better[rows], ads[slot, rows], q)
            value, better = better, value
            let_go(ads)
            advance(1)
        return self.at_start(value)

    def improved(
        self, begin: int = 0, end: int | None = None, value: Floats | None = None
    ) -> Iterator[tuple[int, Floats, Floats]]:
        """Yields, from the last slot to the first, its number and arrays [N, F, M] of the optimum.

        They are what follows before the next video is drawn, and the value of the slot.

        Args:
            begin: the first slot.
            end: the slot after the last one; by default the horizon.
            value: value of the optimum at ``end``, [N, F, M]; by default 0.
        """
        value = self.empty(False) if value is None else value
        ads, q = np.empty((*value.shape[:2], self.n_told), np.int16), np.empty((2, self.tables.n_actions))
        for slot in reversed(range(begin, self.tables.n_slots if end is None else end)):
            after, value = self.before_next_video(value, slot + 1), np.empty_like(value)
            bellman.improve(self.model(slot), after, value, ads, q)
            yield slot, after, value

    def all_best(self) -> list[NDArray[np.uint8]]:
        """Returns all best actions of every slot, one bit for each: uint8 [N, F, M, ⌈A / 8⌉]; ties up to rounding.

        Raises:
            MemoryShortError: If this machine has no memory for it.
        """
        found, actions = [], self.tables.n_videos * self.tables.n_levels * self.n_last * self.tables.n_actions
        require("what agents can know of the optimum", COMPILED.plus(actions * (self.tables.n_slots // 8 + 1)))
        for slot, after, value in self.improved():
            found.append(np.packbits(self._marked(slot, after, value), axis=-1))
        return found[::-1]

    def best_at(self, slot: int) -> NDArray[np.bool_]:
        """Returns which actions are best in a slot, bool [N, F, M, A]; ties up to rounding."""
        return next(self._marked(at, after, value) for at, after, value in self.improved() if at == slot)

    def _marked(self, slot: int, after: Floats, value: Floats) -> NDArray[np.bool_]:
        best = np.empty((*value.shape, self.tables.n_actions), dtype=np.bool_)
        bellman.mark_best(self.model(slot), after, value, best)
        return best

    def value_of(self, policy: Policy, by_last: bool) -> float:
        """Computes the expected revenue of a session under a policy with full axes."""
        n_last = self.empty(by_last).shape[2]
        return float(self.values_of(lambda slot: self.chosen(policy, slot, n_last), by_last)[0])

    def values_of(self, chosen: Callable[[int], Chosen], by_last: bool, copies: int = 1) -> Floats:
        """Computes the expected revenue of a session under each policy of a stack, float64 [C].

        Args:
            chosen: returns what is shown in a slot, [N · C, F, M, J].
            by_last: whether the policies depend on the last outcome.
            copies: number C of policies.
        """
        value, before = self.empty(by_last, copies), self.empty(by_last, copies)
        for slot in reversed(range(self.tables.n_slots)):
            ads, probabilities = chosen(slot)
            for rows, after in self.following(value, slot + 1):
                here = ads[rows], probabilities[rows]
                bellman.follow(self.model(slot, rows, copies), after, before[rows], *here)
            value, before = before, value
            let_go(ads)
        return self.at_starts(value)

    def start(self, by_last: bool, copies: int = 1) -> Floats:
        """Returns the state distribution at the first slot, [N · C, F, M]."""
        mass = self.empty(by_last, copies)
        mass[:, 0, -1] = 1.0 / self.tables.n_videos
        return mass

    def at_start(self, value: Floats) -> float:
        """Computes the expected value before the first video is drawn."""
        return float(self.at_starts(value)[0])

    def at_starts(self, value: Floats) -> Floats:
        """Computes :meth:`at_start` of each of the C copies of a stack, float64 [C]."""
        first = value[:, 0, -1].reshape(self.tables.n_videos, -1)
        return np.asarray(np.ascontiguousarray(first.T).mean(axis=1))

    def masses(self, chosen: Callable[[int], Chosen], by_last: bool, copies: int = 1) -> Iterator[Floats]:
        """Yields the state distribution [N · C, F, M] at every slot, under policies as in :meth:`values_of`."""
        mass = self.start(by_last, copies)
        shown = np.zeros((len(mass), self.tables.n_actions))
        for slot in range(self.tables.n_slots):
            yield mass
            mass = self.flow(slot, mass, chosen(slot), shown)

    def visits(self, policy: Policy, by_last: bool, shown: Floats) -> None:
        """Adds the probability of every (slot, video, action) to ``shown`` [T, N, A], or [N, A] for all slots."""
        mass = self.start(by_last)
        for slot in range(self.tables.n_slots):
            here = shown[slot] if shown.ndim == 3 else shown
            mass = self.flow(slot, mass, self.chosen(policy, slot, mass.shape[2]), here)

    def chosen(self, policy: Policy, slot: int, n_last: int) -> Chosen:
        """Returns what a policy with full axes shows, in arrays of M = ``n_last``."""
        where = (self.phase, self.segment, slot, slice(None), slice(None), slice(n_last))
        if policy.ads is not None:
            return surely(policy.ads[where])
        assert policy.probabilities is not None
        return every_ad(policy.probabilities[where])

    def flow(self, slot: int, mass: Floats, chosen: Chosen, shown: Floats) -> Floats:
        """Computes the next slot's distribution; adds the probability of every (video, action) to ``shown`` [N, A]."""
        there = np.empty_like(mass)
        bellman.flow(self.model(slot, copies=len(mass) // self.tables.n_videos), mass, *chosen, there, shown)
        return self.after_next_video(there, slot + 1)


def surely(ads: NDArray[np.integer[Any]]) -> Chosen:
    """Returns what is shown where one ad is, of a table [N, F, M]."""
    return ads.astype(np.int16, copy=False)[..., None], np.broadcast_to(1.0, (*ads.shape, 1))


def every_ad(probabilities: Floats) -> Chosen:
    """Returns what is shown where every ad has its probability, [N, F, M, A]."""
    return np.broadcast_to(np.arange(probabilities.shape[-1], dtype=np.int16), probabilities.shape), probabilities


def solved(programs: Sequence[DynamicProgram], advance: Advance = lambda _: None) -> tuple[list[float], Ads]:
    """Solves the programs of all segments.

    Args:
        programs: one of every segment.
        advance: called with 1 after every slot of each.

    Returns:
        values: largest expected revenue of a session, by segment.
        ads: best actions, int16 [U, T, N, F, 1 or 2A + 1]; on disk where they are many.

    Raises:
        PrerollError: If this machine has no memory, or its disk no room for it.
    """
    tables, one = programs[0].tables, programs[0]
    shape = (len(programs), tables.n_slots, tables.n_videos, tables.n_levels, one.n_told)
    layers = 2 * 8 * tables.n_videos * tables.n_levels * one.n_last  # values of two slots
    require("the exact optimum", COMPILED.plus(layers + in_memory(2 * prod(shape))))
    ads = large_array("the policy of the exact optimum", shape, np.dtype(np.int16))
    return [program.solve(own, advance) for program, own in zip(programs, ads, strict=True)], ads
