"""Policies as tables over the state of a session, and the simple ones that every comparison needs.

Axes of a policy table, in this order; any axis may have length 1 where the policy does not depend on it, and leading
axes may be left out:

    phase P · segment U · slot T · video N · fatigue F · last M [· ad A]

The last slot's outcome is one index: ``ad`` if it was not viewed, ``A + ad`` if it was viewed, ``2A`` before the first
slot; M = 2A + 1.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.envs.kernel import layout
from preroll.envs.model.tables import Tables
from preroll.errors import PrerollError

N_AXES = 6
TIE = 1e-9  # actions whose values differ by less are the same to a greedy policy
LARGEST_TABLE = 50_000_000  # entries

ActionProbabilities = Callable[[NDArray[np.float32]], NDArray[np.float64]]


@dataclass(frozen=True)
class Policy:
    """What to show in every state: one ad (``ads``), or a probability for each ad (``probabilities``).

    Attributes:
        ads: integer [P, U, T, N, F, M], any axis of length 1; or None.
        probabilities: float64 [P, U, T, N, F, M, A]; or None.
    """

    ads: NDArray[np.integer[Any]] | None = None
    probabilities: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if (self.ads is None) == (self.probabilities is None):
            raise ValueError("a policy is given by ads or by probabilities")
        if self.ads is not None:
            ads = np.asarray(self.ads)
            object.__setattr__(
                self, "ads", ads.reshape((1,) * (N_AXES - ads.ndim) + ads.shape).astype(np.int16, copy=False)
            )
        if self.probabilities is not None:
            table = np.asarray(self.probabilities, dtype=np.float64)
            object.__setattr__(self, "probabilities", table.reshape((1,) * (N_AXES + 1 - table.ndim) + table.shape))

    @property
    def shape(self) -> tuple[int, ...]:
        """(P, U, T, N, F, M), each the length of the axis or 1."""
        if self.ads is not None:
            return self.ads.shape
        assert self.probabilities is not None
        return self.probabilities.shape[:-1]

    def on(self, tables: Tables) -> "Policy":
        """The same policy with every axis at its full length, as views that need no memory.

        Raises:
            PrerollError: the table does not fit the scenario and the catalog.
        """
        try:
            if self.ads is not None:
                return Policy(ads=np.broadcast_to(self.ads, axes(tables)))
            assert self.probabilities is not None
            return Policy(probabilities=np.broadcast_to(self.probabilities, (*axes(tables), tables.n_actions)))
        except ValueError:
            raise PrerollError(f"policy table: axes {self.shape} do not fit {axes(tables)}") from None


def axes(tables: Tables) -> tuple[int, ...]:
    """(P, U, T, N, F, M): full lengths of a policy's axes."""
    n_last = 2 * tables.n_actions + 1
    return tables.n_phases, tables.n_segments, tables.n_slots, tables.n_videos, tables.n_levels, n_last


def random_policy(tables: Tables) -> Policy:
    """Every action with the same probability."""
    return Policy(probabilities=np.full(tables.n_actions, 1.0 / tables.n_actions))


def uniform_over_best(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same probability for every entry of the last axis within 1e-9 of the largest.

    >>> uniform_over_best(np.array([0.7, 0.8, 0.8]))
    array([0. , 0.5, 0.5])
    """
    best = values >= values.max(axis=-1, keepdims=True) - TIE
    return np.asarray(best / best.sum(axis=-1, keepdims=True))


def greedy_policy(tables: Tables) -> Policy:
    """Knows the true tables and maximises the next expected reward, uniformly over ties.

    Where segments are hidden it averages P(view) over them; where the agent sees predicted categories it takes the most
    probable one for true; where it sees none, or no memorability, it averages over the videos.
    """
    arrays, observe = tables.arrays, tables.scenario.observe
    base = arrays.base
    if not observe.segment:
        shares = np.diff(arrays.segments, prepend=0.0, axis=1)
        base = (base * shares[:, :, None, None, None]).sum(axis=1, keepdims=True)
    match = _seen_match(tables)
    n_ads = tables.n_actions
    repeat = np.ones((len(arrays.choice), 2 * n_ads + 1 if tables.remembers_ads else 1, n_ads))
    if tables.remembers_ads:
        for ad in range(n_ads):
            repeat[:, [ad, n_ads + ad], ad] = arrays.choice[:, layout.REPEAT, None]
    slots = np.arange(tables.n_slots if base.shape[2] > 1 else 1) % base.shape[2]
    # axes:   P  U  T  N  F  M  A
    view = (
        base[:, :, slots, None, :, None, :] * match[:, None, None, :, None, None, :] * repeat[:, None, None, None, None]
    )
    pay = _seen_pay(tables)[:, None, None, :, None, None, :]
    return Policy(probabilities=uniform_over_best(np.minimum(view, 1.0) * pay))


def _seen_pay(tables: Tables) -> NDArray[np.float64]:
    """The reward of a view as the agent can know it, float64 [P, N, A]."""
    pay = tables.arrays.reward[:, tables.kind]
    if tables.scenario.observe.memorability or (pay == pay[:, :1]).all():
        return pay
    return np.broadcast_to(pay.mean(axis=1, keepdims=True), pay.shape)


def _seen_match(tables: Tables) -> NDArray[np.float64]:
    """The match factor as the agent can know it, float64 [P, N, A]."""
    arrays, observe, catalog = tables.arrays, tables.scenario.observe, tables.catalog
    true = arrays.match[:, tables.kind]
    if observe.category is True:
        return true
    if observe.category == "none":
        return np.broadcast_to(true.mean(axis=1, keepdims=True), true.shape)
    assert catalog.category_probabilities is not None
    m = np.array([phase.user.mismatch for _, phase in tables.scenario.phases])[:, None, None]
    guessed = np.asarray(catalog.category_probabilities).argmax(axis=1)
    fits = (guessed[:, None] == tables.spaces.ad_category) | (tables.spaces.ad_category < 0)
    return np.asarray(m + (1 - m) * fits)


def by_category_policy(tables: Tables, ads: NDArray[np.int64]) -> Policy:
    """Always ``ads[k]`` before videos of category k; int [K] or [T, K].

    Raises:
        PrerollError: a video of the catalog has no category.
    """
    category = np.asarray(tables.catalog.category).astype(np.int64)
    if (category < 0).any():
        raise PrerollError(f"catalog {tables.catalog.path}: has videos without a category: no policy can go by it")
    return Policy(ads=ads[..., category][..., None, None].astype(np.int16))


def fixed_policy(tables: Tables, length: str) -> Policy:
    """Always the video's own category's ad of one length class; the first of them where there are several.

    Raises:
        PrerollError: a category of the catalog has no ad of that length.
    """
    chosen = []
    for category in tables.catalog.categories:
        fitting = [i for i, ad in enumerate(tables.ads) if (ad.category, ad.length) == (category, length)]
        if not fitting:
            raise PrerollError(f"scenario {tables.scenario.name}: category {category} has no ad of length {length!r}")
        chosen.append(fitting[0])
    return by_category_policy(tables, np.array(chosen))


def tabulate(tables: Tables, action_probabilities: ActionProbabilities) -> Policy:
    """Asks ``action_probabilities(observations [n, d]) -> [n, A]`` at every observation that a session can show.

    Raises:
        PrerollError: there are too many observations for a table; step through sessions instead.
    """
    grid = _ObservableStates(tables)
    if grid.size * tables.n_actions > LARGEST_TABLE:
        raise PrerollError(f"policy table: {grid.size:,} observable states are too many; evaluate by stepping")
    blocks = [np.asarray(action_probabilities(observations), dtype=np.float64) for observations in grid]
    table = np.concatenate(blocks).reshape((*grid.shape, tables.n_actions))
    return Policy(probabilities=table[:, :, grid.video_row][None])


class _ObservableStates:
    """Every observation of a scenario, in blocks: axes segment · slot · distinct video row · fatigue · last."""

    def __init__(self, tables: Tables) -> None:
        parts = tables.layout.parts
        self.tables = tables
        self.rows, self.video_row = np.unique(tables.arrays.rows, axis=0, return_inverse=True)
        self.by_last = "last_ad" in parts or "last_view" in parts
        timed = "progress" in parts or "position" in parts
        self.shape = (
            tables.n_segments if "segment" in parts else 1,
            tables.n_slots if timed else 1,
            len(self.rows),
            tables.n_levels if "fatigue" in parts else 1,
            2 * tables.n_actions + 1 if self.by_last else 1,
        )
        self.size = int(np.prod(self.shape))

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """One block for every segment and slot, in the order of the axes."""
        for segment in range(self.shape[0]):
            for slot in range(self.shape[1]):
                yield self._block(segment, slot)

    def _block(self, segment: int, slot: int) -> NDArray[np.float32]:
        parts, n_ads = self.tables.layout.parts, self.tables.n_actions
        n_levels, n_last = self.shape[3:]
        block = np.repeat(self.rows, n_levels * n_last, axis=0).reshape((*self.shape[2:], -1))
        if "progress" in parts:
            block[..., parts["progress"].start] = slot / self.tables.n_slots
        if "position" in parts:
            block[..., parts["position"].start + slot % len(self.tables.scenario.session.slots)] = 1.0
        if "segment" in parts:
            block[..., parts["segment"].start + segment] = 1.0
        if "fatigue" in parts:
            for level in range(n_levels):
                block[:, level, :, parts["fatigue"].start + level] = 1.0
        if "last_ad" in parts:
            for last in range(2 * n_ads):
                block[:, :, last, parts["last_ad"].start + last % n_ads] = 1.0
        if "last_view" in parts:
            block[:, :, n_ads : 2 * n_ads, parts["last_view"].start] = 1.0
        return block.reshape(-1, block.shape[-1])
