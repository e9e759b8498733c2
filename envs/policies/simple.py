"""Simple policies for comparison: random, fixed, one ad per category."""

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.tables import Tables, TablesSource
from preroll.envs.policies.policy import Policy, by_phase
from preroll.errors import NotFiniteError, PrerollError

TIE = 1e-9  # actions whose values differ by at most this share of the largest magnitude are equally good


def random_policy(tables: TablesSource) -> Policy:
    """Returns the policy that chooses every action with equal probability.

    Examples:
        >>> from preroll.envs import Tables, random_policy
        >>> random_policy(Tables.compile("classic", "demo")).probabilities.ravel().round(3)
        array([0.167, 0.167, 0.167, 0.167, 0.167, 0.167])
    """
    n_actions = Tables.of(tables).n_actions
    return Policy(probabilities=np.full(n_actions, 1.0 / n_actions))


def tie_bar(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Returns the least value that ties with the largest of its row (…, A): (…, 1).

    The tolerance is :data:`TIE` times the largest finite magnitude of the row, whatever the unit of the values.

    Examples:
        >>> import numpy as np
        >>> f"{2.0 - tie_bar(np.array([2.0, -4.0]))[0]:.0e}", tie_bar(np.array([np.inf, 1.0]))[0]
        ('4e-09', np.float64(inf))
    """
    finite = np.where(np.isfinite(values), np.abs(values), 0.0)
    bar: NDArray[np.floating] = values.max(axis=-1, keepdims=True) - TIE * finite.max(axis=-1, keepdims=True)
    return bar


def uniform_over_best(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns equal probabilities for all entries of the last axis that tie with the largest, and 0 for the others.

    Raises:
        NotFiniteError: a value is NaN.

    Examples:
        >>> import numpy as np
        >>> from preroll.envs import uniform_over_best
        >>> uniform_over_best(np.array([0.7, 0.8, 0.8]))
        array([0. , 0.5, 0.5])
    """
    best = values >= tie_bar(values)
    count = best.sum(axis=-1, keepdims=True)
    if not count.all():  # with NaN nothing is the largest
        raise NotFiniteError("scores: hold NaN")
    return np.asarray(best / count)


def by_category_policy(tables: TablesSource, ads: NDArray[np.int64]) -> Policy:
    """Returns the policy that always shows ``ads[k]`` before videos of category k.

    Args:
        tables: a compiled scenario, or one to compile: see :meth:`Tables.of`.
        ads: action by category, int [K], in the order of the catalog's categories, which is not that of the ads; or by
            slot and category, int [T, K].

    Raises:
        PrerollError: If a video of the catalog has no category.

    Examples:
        >>> import numpy as np
        >>> from preroll.envs import Optimum, Tables, by_category_policy
        >>> tables = Tables.compile("classic", "demo")
        >>> ads = [tables.spec.labels.index(f"{category}.long") for category in tables.spec.categories]
        >>> round(Optimum(tables).value_of(by_category_policy(tables, np.array(ads))), 3)
        17.983
    """
    tables = Tables.of(tables)
    category = np.asarray(tables.catalog.category).astype(np.int64)
    if (category < 0).any():
        raise PrerollError(f"catalog {tables.catalog.path}: has videos without a category: no policy can go by it")
    return Policy(ads=ads[..., category][..., None, None].astype(np.int16))


def first_rewards(tables: Tables, phase: int = 0) -> NDArray[np.float64]:
    """Computes the expected reward of every action in the first slot, by the video's category, float64 [K, A].

    Users are those of a phase of drift; a category without videos has 0.
    """
    arrays, shares = tables.arrays, tables.shares(phase)
    view = np.minimum(arrays.base[phase, :, None, 0, 0] * arrays.match[phase], 1.0)
    by_kind = np.tensordot(shares, view, axes=1) * arrays.reward[phase]
    videos = np.zeros((len(tables.spec.categories), len(by_kind)))
    np.add.at(videos, (tables.category, tables.kind), 1.0)
    return np.asarray(videos @ by_kind / np.maximum(videos.sum(axis=1, keepdims=True), 1.0))


def fixed_policy(tables: TablesSource, length: str) -> Policy:
    """Returns the policy that shows the ad of the video's category and one length class; the first, if several exist.

    Where no ad belongs to a category, it is the ad of that length which earns most in the first slot, in every phase of
    drift.

    Raises:
        PrerollError: If a category of the catalog has no ad of that length, or a video has no category.

    Examples:
        >>> from preroll.envs import Optimum, Tables, fixed_policy
        >>> tables = Tables.compile("classic", "demo")
        >>> round(Optimum(tables).value_of(fixed_policy(tables, "short")), 3)
        15.996
    """
    tables = Tables.of(tables)
    of_length = np.array(tables.spec.lengths) == length
    if of_length.any() and (tables.spec.ad_category < 0).all():
        earned = [np.where(of_length, first_rewards(tables, phase), -1.0) for phase in range(tables.n_phases)]
        return by_phase([by_category_policy(tables, one.argmax(axis=1)) for one in earned])
    chosen = []
    for category in tables.catalog.categories:
        fitting = [i for i, ad in enumerate(tables.ads) if (ad.category, ad.length) == (category, length)]
        if not fitting:
            raise PrerollError(f"scenario {tables.scenario.name}: category {category} has no ad of length {length!r}")
        chosen.append(fitting[0])
    return by_category_policy(tables, np.array(chosen))
