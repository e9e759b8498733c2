"""Policy map: the ad that a policy shows most by category, slot and fatigue level."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.tables import Tables

#: Index of the ad, int64 [T, F], by name of the category; :data:`SEVERAL` where no single ad is shown most.
PolicyMap = dict[str, NDArray[np.int64]]


class Table(Protocol):
    """What a map is made of: a :class:`~preroll.envs.policies.policy.Policy`, which draws its own map."""

    @property
    def ads(self) -> NDArray[np.integer[Any]] | None:
        """The ad of every state."""

    @property
    def probabilities(self) -> NDArray[np.float64] | None:
        """The probability of every ad in every state."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""

    def on(self, tables: Tables) -> object:
        """Checks that it fits."""


NONE_YET = -1  # the last of the outcomes of the previous slot: there was none
SEVERAL = -1  # reads the last entry of names or colours, which stands behind those of the actions
SEVERAL_NAME = "several alike"
SAME = 1e-9  # difference of equal probabilities whose means were summed in another order


def policy_map(tables: Tables, policy: Table, *, phase: int = 0, segment: int = 0, last: int = 0) -> PolicyMap:
    """Returns the ad that is shown most before the videos of each category.

    Videos of one category can differ, for example because they lead to different next videos; the ad with the largest
    mean probability is taken. Of a policy of one ad per state, ties between videos go to the first ad; one that draws
    several ads with the same probability shows :data:`SEVERAL`.

    Args:
        tables: a compiled scenario.
        policy: a policy on it.
        phase: phase of drift.
        segment: segment of the user.
        last: outcome of the previous slot, where the policy depends on it: by default, that the first ad was not
            viewed; :data:`NONE_YET` stands in all maps for the first slot.

    Returns:
        The map; categories without videos are omitted.

    Raises:
        PrerollError: If the policy does not fit the scenario and the catalog.
    """
    policy.on(tables)  # raises, before an axis is taken for one of length 1
    table, first = _state(policy, phase, segment, last), _state(policy, phase, segment, NONE_YET)[:1]
    category, chosen = np.asarray(tables.category), {}
    for k, name in enumerate(tables.spec.categories):
        own = np.flatnonzero(category == k)
        if len(own):
            ads = np.empty((tables.n_slots, tables.n_levels), np.int64)
            ads[:] = _most_shown(table, own, tables.n_actions)
            ads[0] = _most_shown(first, own, tables.n_actions)
            chosen[name] = ads
    return chosen


def _state(policy: Table, phase: int, segment: int, last: int) -> NDArray[Any]:
    """Returns the policy of one phase and segment after one outcome, [T, N, F] or [T, N, F, A] with any axis 1."""
    table = policy.ads if policy.ads is not None else policy.probabilities
    assert table is not None
    phases, segments, *_, outcomes = policy.shape
    chosen = table[phase if phases > 1 else 0, segment if segments > 1 else 0, :, :, :, last if outcomes > 1 else 0]
    return np.asarray(chosen)


def _most_shown(table: NDArray[Any], videos: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    """Returns the ad with the largest mean probability over some videos, int [T, F]."""
    own = table[:, videos] if table.shape[1] > 1 else table
    if own.ndim == 3:
        return np.asarray(np.stack([own == ad for ad in range(n)], axis=-1).mean(axis=1).argmax(axis=-1))
    shares = own.mean(axis=1)
    most = shares >= shares.max(axis=-1, keepdims=True) - SAME
    return np.where(most.sum(axis=-1) > 1, SEVERAL, shares.argmax(axis=-1))
