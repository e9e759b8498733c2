"""The simple policies that every comparison needs: random, greedy, fixed, one ad per category."""

import numpy as np
from numpy.typing import NDArray

from preroll.envs.kernel import layout
from preroll.envs.model.tables import Tables
from preroll.envs.policies.policy import Policy
from preroll.errors import PrerollError

TIE = 1e-9  # actions whose values differ by less are the same to a greedy policy


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
    fits = (guessed[:, None] == tables.spec.ad_category) | (tables.spec.ad_category < 0)
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
