"""Content-based nearest neighbours: the ten other videos whose vectors have the largest cosine similarity.

Duplicate vectors are searched once, so ties do not slow the search down. A distinct direction is called a point.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import faiss
import numpy as np
from numpy.typing import NDArray

from preroll.perception.catalog.arrays import NEIGHBORS

# Candidates fetched per point beyond those needed, rows searched at once, and candidate vectors gathered at once.
_SPARE = 5
_BLOCK = 4096
_GATHERED = 1024
# Error bound of cosines computed from float32 vectors.
_ROUNDING = 1e-5
# HNSW parameters: links per point (M), efConstruction and efSearch.
LINKS, BUILD_BREADTH, SEARCH_BREADTH = 16, 48, 128
_RECALL_SAMPLE = 1000

Neighbors = tuple[NDArray[np.int32], NDArray[np.float32]]
#: Vectors that neighbours are found by: importance, the embedding, or predicted tags.
NeighborsBy = Literal["objects", "embedding", "tags"]
SOURCES: tuple[NeighborsBy, ...] = get_args(NeighborsBy)


def neighbor_vectors(
    importance: NDArray[np.float32], embedding: NDArray[np.float16] | None, by: NeighborsBy
) -> NDArray[np.float32]:
    """Returns the vectors of the videos, float32 [N, C or D], of which neighbours by objects or embedding are made."""
    if by == "objects":
        return importance
    assert embedding is not None
    return embedding.astype(np.float32)


def nearest_neighbors(importance: NDArray[np.float32], k: int = NEIGHBORS) -> Neighbors:
    """Finds the k most similar other videos of each video exactly, by the cosine of their importance vectors.

    Equal scores are ordered by index. Videos with cosine 0 are not neighbours: a video without detections has none and
    is a neighbour of none.

    Args:
        importance: float32 [N, C].
        k: number of neighbours.

    Returns:
        Neighbours int32 [N, k], best first, padded with −1, and their cosines float32 [N, k], 0 where padded.
    """
    points = _Points.of(importance)
    index = faiss.IndexFlatIP(importance.shape[1])
    index.add(points.units.astype(np.float32))
    return _searched(points, index, len(importance), k)


def approximate_neighbors(importance: NDArray[np.float32], k: int = NEIGHBORS) -> tuple[Neighbors, float]:
    """Finds neighbours with an HNSW graph (Malkov & Yashunin 2016, arXiv 1603.09320), for 100,000 videos and more.

    Scores are exact; some neighbours may be missed and replaced by less similar ones.

    Args:
        importance: float32 [N, C].
        k: number of neighbours.

    Returns:
        The neighbours and cosines as :func:`nearest_neighbors` returns them, and the recall: the share of the exact
        neighbours' scores that were reached, measured on 1,000 videos.
    """
    points = _Points.of(importance)
    index = graph_of(points.units.astype(np.float32))
    found = _searched(points, index, len(importance), k)
    return found, _recall(points, found, k)


def graph_of(units: NDArray[np.float32]) -> faiss.IndexHNSWFlat:
    """Builds a deterministic HNSW graph of unit vectors float32 [G, C]."""
    index = faiss.IndexHNSWFlat(units.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction, index.hnsw.efSearch = BUILD_BREADTH, SEARCH_BREADTH
    threads = faiss.omp_get_max_threads()
    try:
        # A graph built by several threads differs each time.
        faiss.omp_set_num_threads(1)
        index.add(units)
    finally:
        faiss.omp_set_num_threads(threads)
    return index


@dataclass(frozen=True)
class _Points:
    """The distinct directions among the vectors, and the videos at each.

    Attributes:
        units: float64 [G, C], vectors of length 1.
        point: int64 [R], the point of each row.
        rows: int64 [R], the videos with a nonzero vector, in order.
        members: int64 [R], positions in ``rows`` sorted by point and then by index.
        starts: int64 [G + 1]: those of point g are members[starts[g] : starts[g + 1]].
    """

    units: NDArray[np.float64]
    point: NDArray[np.int64]
    rows: NDArray[np.int64]
    members: NDArray[np.int64]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, importance: NDArray[np.float32]) -> "_Points":
        """Groups importance vectors [N, C] into points; rows of zeros belong to none."""
        vectors = importance.astype(np.float64)
        lengths = np.linalg.norm(vectors, axis=1)
        rows = np.flatnonzero(lengths > 0)
        units = vectors[rows] / lengths[rows, None]
        first, point = _distinct(units.astype(np.float32))
        members = np.argsort(point, kind="stable")
        starts = np.searchsorted(point[members], np.arange(len(first) + 1))
        return cls(units[first], point, rows, members, starts)


def _distinct(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the first row of each distinct vector, in order, and for each row the number of its vector."""
    if not len(vectors):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    # One hash per row (−0 is normalised to 0), because sorting numbers is faster than sorting rows. Checked below.
    words = (vectors + np.float32(0)).view(np.uint32).astype(np.uint64)
    keys = np.random.default_rng(0).integers(0, 1 << 63, vectors.shape[1], np.uint64) * 2 + 1
    hashes = (words * keys).sum(1, dtype=np.uint64)
    _, first, point = np.unique(hashes, return_index=True, return_inverse=True)
    if not np.array_equal(vectors[first][point], vectors):
        # Two different rows have the same hash.
        _, first, point = np.unique(vectors, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(order))
    return first[order], ranks[point.reshape(-1)]


def _searched(points: _Points, index: faiss.Index, n: int, k: int) -> Neighbors:
    found = np.full((n, k), -1, np.int32), np.zeros((n, k), np.float32)
    if len(points.rows) < 2:
        return found
    singles = points.units.astype(np.float32)
    for start in range(0, len(singles), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(singles)))
        _fill(found, points, block, *_candidates(points, singles, index, block, k))
    return found


def _candidates(
    points: _Points, singles: NDArray[np.float32], index: faiss.Index, block: NDArray[np.int64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Returns candidate neighbours of a block of points, int64 [B, W], padded with −1, with their exact cosines."""
    wanted = min(k + 1 + _SPARE, len(singles))
    rough, nearest = index.search(singles[block], wanted)
    scores = _cosines(points, block, nearest)
    if isinstance(index, faiss.IndexFlat) and wanted < len(singles):
        # The last candidate needed, or one beyond it, may tie with points that were not fetched.
        needed = np.partition(scores, wanted - (k + 1), 1)[:, wanted - (k + 1)]
        if len(tied := np.flatnonzero(rough[:, -1] >= needed - _ROUNDING)):
            return _widened(points, singles, block, k, nearest, scores, tied)
    return nearest, scores


def _widened(
    points: _Points,
    singles: NDArray[np.float32],
    block: NDArray[np.int64],
    k: int,
    nearest: NDArray[np.int64],
    scores: NDArray[np.float32],
    tied: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Replaces the candidates of the tied rows by the best of all points that are as near as the last one needed."""
    rest: list[NDArray[np.int64]] = []
    least = np.sort(scores[tied], 1)[:, -(k + 1)] - 2 * _ROUNDING
    for part in np.array_split(np.arange(len(tied)), -(-len(tied) * len(singles) // (_BLOCK * _BLOCK))):
        near = singles[block[tied[part]]] @ singles.T >= least[part, None]
        rest += [_best(points, block[tied[i]], np.flatnonzero(row), k) for i, row in zip(part, near, strict=True)]
    width = nearest.shape[1]
    wide = np.full((len(block), max(width, *map(len, rest))), -1, np.int64)
    wide[:, :width] = nearest
    for row, one in zip(tied, rest, strict=True):
        wide[row] = -1
        wide[row, : len(one)] = one
    return wide, _cosines(points, block, wide)


def _best(points: _Points, own: np.int64, near: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Returns the k + 1 best of many near points, by exact cosine and then by the first video at the point."""
    scores = _cosines(points, np.array([own]), near[None, :])[0]
    return near[np.lexsort((near, -scores))[: k + 1]]


def _cosines(points: _Points, block: NDArray[np.int64], nearest: NDArray[np.int64]) -> NDArray[np.float32]:
    cosines = np.empty(nearest.shape, np.float32)
    # Few rows at a time, so that the gathered vectors stay in the cache.
    rows = max(1, _GATHERED // max(nearest.shape[1], 1))
    for start in range(0, len(block), rows):
        part = slice(start, start + rows)
        cosines[part] = np.einsum("bwc,bc->bw", points.units[nearest[part]], points.units[block[part]])
    return np.where(nearest < 0, np.float32(-np.inf), np.clip(cosines, 0, 1))


def _fill(
    found: Neighbors,
    points: _Points,
    block: NDArray[np.int64],
    nearest: NDArray[np.int64],
    scores: NDArray[np.float32],
) -> None:
    """Converts neighbouring points to neighbouring videos, for every video at the block's points."""
    k = found[0].shape[1]
    order = np.lexsort((nearest, -scores), axis=1)
    nearest, scores = np.take_along_axis(nearest, order, 1), np.take_along_axis(scores, order, 1)
    videos, cosines = _expanded(points, nearest, scores, k + 1)
    # For every video at the block's points, the row of its point in the block.
    sizes = points.starts[block + 1] - points.starts[block]
    row = np.repeat(np.arange(len(block)), sizes)
    mine = points.members[points.starts[block[0]] : points.starts[block[-1] + 1]]
    candidates, values = videos[row], cosines[row]
    # The video itself is removed; if it is not among the candidates, the last one is removed instead.
    own = candidates == mine[:, None]
    own[:, -1] |= ~own.any(1)
    width = candidates.shape[1] - 1
    candidates, values = candidates[~own].reshape(-1, width), values[~own].reshape(-1, width)
    targets = points.rows[mine]
    near = (candidates >= 0) & (values > 0)
    found[0][targets, :width] = np.where(near, points.rows[candidates], -1)[:, :k]
    found[1][targets, :width] = np.where(near, values, 0)[:, :k]


def _expanded(
    points: _Points, nearest: NDArray[np.int64], scores: NDArray[np.float32], most: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Returns the first ``most`` videos at points sorted by score, ordered by decreasing score and then by index."""
    if len(points.starts) == len(points.rows) + 1:
        # One video per point, so that points and videos coincide.
        return nearest[:, :most], scores[:, :most]
    sizes = np.diff(points.starts)[nearest] * (nearest >= 0)
    taken = np.minimum(sizes, most)
    rows, columns = nearest.shape
    # Each point contributes its first videos; more than `most` are never needed from one.
    step = np.arange(most)
    places = points.starts[nearest][:, :, None] + step
    valid = step < taken[:, :, None]
    videos = np.where(valid, points.members[np.where(valid, places, 0)], -1).reshape(rows, columns * most)
    values = np.where(valid, scores[:, :, None], np.float32(-np.inf)).reshape(rows, columns * most)
    order = np.lexsort((videos, -values), axis=1)[:, :most]
    return np.take_along_axis(videos, order, 1), np.take_along_axis(values, order, 1)


def _recall(points: _Points, found: Neighbors, k: int) -> float:
    """Returns the share of the k exact best scores that approximate search reached, on a sample of videos."""
    if len(points.rows) < 2:
        return 1.0
    sample = np.random.default_rng(0).choice(len(points.rows), min(_RECALL_SAMPLE, len(points.rows)), replace=False)
    index = faiss.IndexFlatIP(points.units.shape[1])
    singles = points.units.astype(np.float32)[points.point]
    index.add(singles)
    exact, _ = index.search(singles[sample], min(k + 1, len(points.rows)))
    # The best score is that of the video itself, or of a duplicate.
    reached = found[1][points.rows[sample]] >= np.pad(exact[:, 1:], ((0, 0), (0, k + 1 - exact.shape[1]))) - _ROUNDING
    return float(reached.mean())
