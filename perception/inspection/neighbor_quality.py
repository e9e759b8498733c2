"""How often neighbours by objects and by the embedding are of a video's own category, clip by clip."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from preroll.perception.catalog.arrays import NEIGHBORS
from preroll.perception.catalog.catalog import Catalog

#: A category with fewer independent clips tells nothing: with two, there is one other to be near.
FEWEST = 3
#: Videos whose neighbours are looked at, at most, and cosines computed in all.
_VIDEOS, _COSINES = 2000, 5_000_000
_BLOCK = 64


@dataclass(frozen=True)
class NeighborQuality:
    """Shares of neighbours of other clips that are of a video's own category; of each clip the mean over its videos.

    Attributes:
        by_objects: mean over the clips, of neighbours by objects.
        by_embedding: the same, of neighbours by the embedding.
        chance: the same, of videos of other clips at random.
        better: number of clips whose share is larger by the embedding than by objects.
        worse: number of clips whose share is smaller.
        clips: number of independent clips of each category, by name.
    """

    by_objects: float
    by_embedding: float
    chance: float
    better: int
    worse: int
    clips: dict[str, int]

    @property
    def too_few(self) -> list[str]:
        """Categories with too few independent clips for a conclusion."""
        return [name for name, count in self.clips.items() if count < FEWEST]

    @property
    def p(self) -> float:
        """P value of the exact two-sided sign test that clips are better and worse equally often."""
        fewer, n = min(self.better, self.worse), self.better + self.worse
        return float(min(1.0, 2 * binom.cdf(fewer, n, 0.5))) if n else 1.0


def neighbor_quality(catalog: Catalog) -> NeighborQuality | None:
    """Compares neighbours by objects with neighbours by the embedding.

    Of every video, the ten most similar videos of other clips are found anew in both ways; those with cosine 0 are no
    neighbours, and a video without neighbours counts as one whose neighbours are all of other categories. A clip is a
    group of the build's ``--group-by``, else a video. Of large catalogs a sample of videos is looked at, evenly spread.

    Returns:
        The comparison; None without embeddings, or where no video's category is known.
    """
    known = np.flatnonzero(catalog.category >= 0)
    if catalog.embedding is None or not len(known):
        return None
    groups = np.arange(catalog.n_videos) if catalog.groups is None else catalog.groups
    most = min(len(known), _VIDEOS, max(1, _COSINES // catalog.n_videos))
    rows = known[np.linspace(0, len(known) - 1, most).astype(np.int64)]
    shares = np.array(
        [_shares(vectors, rows, groups, catalog.category) for vectors in (catalog.importance, catalog.embedding)]
    )
    chance = np.array([_chance(row, known, groups, catalog.category) for row in rows])
    # A clip may have videos of several categories: each is a unit of its own.
    units = groups[rows] * len(catalog.categories) + catalog.category[rows]
    clip = np.unique(units, return_inverse=True)[1]
    objects, embedding, expected = (np.bincount(clip, one) / np.bincount(clip) for one in (*shares, chance))
    counts = {
        name: len(np.unique(groups[catalog.category == number])) for number, name in enumerate(catalog.categories)
    }
    return NeighborQuality(
        float(objects.mean()),
        float(embedding.mean()),
        float(expected.mean()),
        int((embedding > objects).sum()),
        int((embedding < objects).sum()),
        counts,
    )


def _shares(
    vectors: NDArray[np.floating], rows: NDArray[np.int64], groups: NDArray[np.int64], category: NDArray[np.int16]
) -> NDArray[np.float64]:
    """Returns the share of neighbours in the own category, of each of the rows."""
    every = np.asarray(vectors, np.float32)
    every = every / np.maximum(np.linalg.norm(every, axis=1, keepdims=True), np.float32(1e-30))
    found = []
    for start in range(0, len(rows), _BLOCK):
        some = rows[start : start + _BLOCK]
        cosines = every[some] @ every.T
        cosines[groups[some][:, None] == groups] = 0
        near = np.argsort(-cosines, axis=1, kind="stable")[:, :NEIGHBORS]
        shown = np.take_along_axis(cosines, near, 1) > 0
        same = shown & (category[near] == category[some][:, None])
        found.append(same.sum(1) / np.maximum(shown.sum(1), 1))
    return np.concatenate(found)


def _chance(row: np.int64, known: NDArray[np.int64], groups: NDArray[np.int64], category: NDArray[np.int16]) -> float:
    others = known[groups[known] != groups[row]]
    return float((category[others] == category[row]).mean()) if len(others) else 0.0
