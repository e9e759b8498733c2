"""Exact tests of whether categories or neighbours are better than chance; both are wrong in at most 5 % of catalogs.

That is their false-alarm rate: of catalogs whose objects tell nothing of the categories, at most one in twenty is said
to be better than chance.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from preroll.perception.catalog.catalog import Catalog

ALPHA = 0.05
#: Permutations, and videos whose neighbours are looked at; more make the test slower and no more exact.
_PERMUTATIONS, _VIDEOS = 199, 10_000


def categories_beat_chance(catalog: Catalog) -> bool | None:
    """Tests whether more categories are right than by always guessing the largest; None if nothing was measured.

    The test is the exact binomial one of the number that are right, against the share of the largest category. Where
    videos are pieces of groups, a group counts once: it is right if more than half of its pieces are.
    """
    known = catalog.category >= 0
    if catalog.category_probabilities is None or not known.any():
        return None
    truth = catalog.category[known]
    right = catalog.category_probabilities[known].argmax(1) == truth
    unit = _blocks(catalog)[known]
    _, first, unit = np.unique(unit, return_index=True, return_inverse=True)
    hits = int((2 * np.bincount(unit, right) > np.bincount(unit)).sum())
    n, largest = len(first), int(np.bincount(truth[first]).max())
    return bool(binom.sf(hits - 1, n, largest / n) <= ALPHA)


def neighbors_beat_chance(catalog: Catalog) -> bool | None:
    """Tests whether more neighbours share a video's category than if categories had been dealt out at random.

    The test is a permutation test with 199 permutations of a fixed seed: the categories are dealt anew to the videos,
    or to groups as a whole, and the share that was found must be among the largest 5 %. Videos of a group are no
    neighbours of each other here, as in the share that is printed.

    Returns:
        None where no video has a neighbour of another group and a known category.
    """
    known = np.flatnonzero(catalog.category >= 0)
    rows = known[np.linspace(0, len(known) - 1, min(len(known), _VIDEOS)).astype(np.int64)] if len(known) else known
    groups = np.arange(catalog.n_videos) if catalog.groups is None else catalog.groups
    near = catalog.neighbors[rows]
    counts = (near >= 0) & (groups[near] != groups[rows][:, None]) & (catalog.category[near] >= 0)
    of, other = np.repeat(rows, counts.sum(1)), near[counts]
    if not len(of):
        return None
    _, first, block = np.unique(_blocks(catalog), return_index=True, return_inverse=True)
    dealt = catalog.category[first].astype(np.int64)
    free = np.flatnonzero(dealt >= 0)
    found = _shared(dealt, block, of, other)
    rng = np.random.default_rng(0)
    beaten = 0
    for _ in range(_PERMUTATIONS):
        again = dealt.copy()
        again[free] = dealt[rng.permutation(free)]
        beaten += _shared(again, block, of, other) >= found
    return bool((1 + beaten) / (1 + _PERMUTATIONS) <= ALPHA)


def _shared(dealt: NDArray[np.int64], block: NDArray[np.int64], of: NDArray[np.int64], other: NDArray[np.int64]) -> int:
    category = dealt[block]
    return int((category[of] == category[other]).sum())


def _blocks(catalog: Catalog) -> NDArray[np.int64]:
    """Returns what stands for itself: the video, or its group and category together, since a group may have several."""
    if catalog.groups is None:
        return np.arange(catalog.n_videos)
    return catalog.groups * (len(catalog.categories) + 1) + catalog.category
