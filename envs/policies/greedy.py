"""The greedy policy: the largest expected reward of the next slot, given what the agent sees."""

import numpy as np
from numpy.typing import NDArray

from preroll.envs.kernel import layout
from preroll.envs.model.response import match_table
from preroll.envs.model.tables import Tables, TablesSource
from preroll.envs.policies.policy import Policy
from preroll.envs.policies.simple import uniform_over_best
from preroll.system.memory import COMPILED, require

Floats = NDArray[np.float64]


def greedy_policy(tables: TablesSource) -> Policy:
    """Returns the policy that maximises the expected reward of the next slot by the true tables, uniformly over ties.

    The expectation of min(P(view), 1) · reward is taken over what the scenario hides: over the segments where they are
    hidden, and over the videos that look alike to the agent where it observes no category or no memorability. Where it
    observes predicted categories, the most probable one is taken for true. Where P(view) comes from the catalog, videos
    look alike whose observations are equal.

    Examples:
        >>> from preroll.envs import Optimum, Tables, greedy_policy
        >>> tables = Tables.compile("fatigue", "demo")
        >>> optimum = Optimum(tables)
        >>> f"{optimum.value_of(greedy_policy(tables)) / optimum.value:.1%}"
        '72.3%'
    """
    tables = Tables.of(tables)
    match, pay, group = _seen(tables)
    one = _reward(tables, match[:, 0], pay[:, 0])
    times = tables.n_slots // one.shape[2] if one.shape[2] > 1 else 1
    # The table of all videos, and rewards, comparisons and shares of those that do not look alike.
    require("the greedy policy", COMPILED.plus(one.nbytes * (len(group) * times + 4 * (int(group.max()) + 1))))
    # Videos that neither the agent nor the model tells apart are computed once, with their share of the group.
    by_video = np.column_stack([group, *(np.moveaxis(table, 1, 0).reshape(len(group), -1) for table in (match, pay))])
    _, first, counts = np.unique(by_video, axis=0, return_index=True, return_counts=True)
    shares = counts / np.bincount(group[first], weights=counts)[group[first]]
    expected = np.zeros((group.max() + 1, *one.shape))
    for video, share in zip(first, shares, strict=True):
        expected[group[video]] += share * _reward(tables, match[:, video], pay[:, video])
    slots = np.arange(tables.n_slots if expected.shape[3] > 1 else 1) % expected.shape[3]
    # axes: group · P · U · S · F · M · A  →  P · U · T · N · F · M · A
    by_state = np.moveaxis(uniform_over_best(expected), 0, 3)
    return Policy(probabilities=by_state[:, :, slots][:, :, :, group])


def _reward(tables: Tables, match: Floats, pay: Floats) -> Floats:
    """Computes the expected reward of a slot for one kind of video, [P, U, S, F, M, A]; U = 1 for hidden segments.

    Args:
        tables: a compiled scenario.
        match: factor of the relevance, [P, A].
        pay: reward of a view, [P, A].
    """
    arrays, n_ads = tables.arrays, tables.n_actions
    repeat = np.ones((len(arrays.choice), 2 * n_ads + 1 if tables.remembers_ads else 1, n_ads))
    if tables.remembers_ads:
        for ad in range(n_ads):
            repeat[:, [ad, n_ads + ad], ad] = arrays.choice[:, layout.REPEAT, None]
    view = arrays.base[..., None, :] * match[:, None, None, None, None, :] * repeat[:, None, None, None]
    reward = np.minimum(view, 1.0) * pay[:, None, None, None, None, :]
    if tables.scenario.observe.segment or tables.n_segments == 1:
        return reward
    shares = np.diff(arrays.segments, prepend=0.0, axis=1)
    return np.asarray((reward * shares[:, :, None, None, None, None]).sum(axis=1, keepdims=True))


def _seen(tables: Tables) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Returns what the agent believes of every video, and which videos look alike to it.

    Returns:
        match: factor of the relevance, [P, N, A].
        pay: reward of a view, [P, N, A].
        group: number of the group of videos that look alike, int64 [N].
    """
    arrays, observe, catalog = tables.arrays, tables.scenario.observe, tables.catalog
    match, pay = arrays.match[:, tables.kind], arrays.reward[:, tables.kind]
    if tables.response_of_videos:
        _, group = np.unique(arrays.rows, axis=0, return_inverse=True)
        return match, pay, group.reshape(-1).astype(np.int64)
    if observe.category is True:
        looks = [np.moveaxis(match, 1, 0).reshape(tables.n_videos, -1)]
    elif observe.category == "none":
        looks = []
    else:
        assert catalog.category_probabilities is not None
        guessed = np.asarray(catalog.category_probabilities).argmax(axis=1)
        certain = np.eye(len(catalog.categories))
        phases = [match_table(phase, certain, catalog.categories) for _, phase in tables.scenario.phases]
        match = np.stack(phases)[:, guessed]
        looks = [guessed[:, None]]
    if observe.memorability:
        looks.append(np.moveaxis(pay, 1, 0).reshape(tables.n_videos, -1))
    if not looks:
        return match, pay, np.zeros(tables.n_videos, dtype=np.int64)
    _, group = np.unique(np.column_stack(looks), axis=0, return_inverse=True)
    return match, pay, group.astype(np.int64)
