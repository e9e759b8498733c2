"""A content-based recommender: for each video the ten others whose importance vectors point the same way.

Videos that show the same are one point of the search, however many they are: thousands that tie cost no more than one.
"""

from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from preroll.perception.catalog.catalog import NEIGHBORS

# Candidates that are fetched per point beyond those needed, and the rows that are searched at once.
_SPARE = 5
_BLOCK = 4096
_GATHERED = 1024
# Cosines of float32 vectors are this close to the exact ones.
_ROUNDING = 1e-5
# The graph of approximate search: links per point, breadth while it is built, and while it is searched.
LINKS, BUILD_BREADTH, SEARCH_BREADTH = 16, 48, 128
_RECALL_SAMPLE = 1000

Neighbors = tuple[NDArray[np.int32], NDArray[np.float32]]


def nearest_neighbors(importance: NDArray[np.float32], k: int = NEIGHBORS) -> Neighbors:
    """The k most similar other videos of each, exactly, by the cosine of their importance vectors.

    Equal scores are ordered by index. Videos that have nothing in common are no neighbours: one in which nothing was
    found has none and is nobody's.

    Args:
        importance: float32 [N, C].
        k: how many.

    Returns:
        int32 [N, k], best first, padded with −1, and their cosines float32 [N, k], 0 where padded.
    """
    points = _Points.of(importance)
    index = faiss.IndexFlatIP(importance.shape[1])
    index.add(points.units.astype(np.float32))
    return _searched(points, index, len(importance), k)


def approximate_neighbors(importance: NDArray[np.float32], k: int = NEIGHBORS) -> tuple[Neighbors, float]:
    """The same by a graph of near points (HNSW, Malkov & Yashunin 2016, arXiv 1603.09320), for 100,000 videos and more.

    Scores are exact; some neighbours may be missed, and less similar ones stand in their places.

    Args:
        importance: float32 [N, C].
        k: how many.

    Returns:
        The neighbours as of :func:`nearest_neighbors`, and the recall: the share of the exact neighbours' scores that
        were reached, measured on 1,000 videos.
    """
    points = _Points.of(importance)
    index = graph_of(points.units.astype(np.float32))
    found = _searched(points, index, len(importance), k)
    return found, _recall(points, found, k)


def graph_of(units: NDArray[np.float32]) -> faiss.IndexHNSWFlat:
    """A graph of near points (HNSW) among vectors of length 1, float32 [G, C]; the same each time."""
    index = faiss.IndexHNSWFlat(units.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction, index.hnsw.efSearch = BUILD_BREADTH, SEARCH_BREADTH
    threads = faiss.omp_get_max_threads()
    try:
        # A graph that several threads build is another one each time.
        faiss.omp_set_num_threads(1)
        index.add(units)
    finally:
        faiss.omp_set_num_threads(threads)
    return index


@dataclass(frozen=True)
class _Points:
    """The different directions among the vectors, and which videos lie at each.

    Attributes:
        units: float64 [G, C], vectors of length 1.
        point: int64 [R], the point of each row.
        rows: int64 [R], the videos that have a vector at all, in order.
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
        """The points of importance vectors [N, C]; rows of zeros have none."""
        vectors = importance.astype(np.float64)
        lengths = np.linalg.norm(vectors, axis=1)
        rows = np.flatnonzero(lengths > 0)
        units = vectors[rows] / lengths[rows, None]
        first, point = _distinct(units.astype(np.float32))
        members = np.argsort(point, kind="stable")
        starts = np.searchsorted(point[members], np.arange(len(first) + 1))
        return cls(units[first], point, rows, members, starts)


def _distinct(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first row of each different vector, by its index, and for each row the number of its vector."""
    if not len(vectors):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    # One number per row, equal for equal rows (−0 is turned into 0); sorting numbers is faster than sorting rows.
    words = (vectors + np.float32(0)).view(np.uint32).astype(np.uint64)
    keys = np.random.default_rng(0).integers(0, 1 << 63, vectors.shape[1], np.uint64) * 2 + 1
    hashes = (words * keys).sum(1, dtype=np.uint64)
    _, first, point = np.unique(hashes, return_index=True, return_inverse=True)
    if not np.array_equal(vectors[first][point], vectors):
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
    """For a block of points those that may be among the nearest, int64 [B, W], −1 padded, with exact cosines."""
    wanted = min(k + 1 + _SPARE, len(singles))
    rough, nearest = index.search(singles[block], wanted)
    scores = _cosines(points, block, nearest)
    if isinstance(index, faiss.IndexFlat) and wanted < len(singles):
        # The last one that is needed, or one beyond it, may tie with points that were not fetched.
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
    """The same candidates, but for the tied rows all points that are as near as the last one needed."""
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
    """Of many near points the k + 1 best: by exact cosine, and then by the first video that lies there."""
    scores = _cosines(points, np.array([own]), near[None, :])[0]
    return near[np.lexsort((near, -scores))[: k + 1]]


def _cosines(points: _Points, block: NDArray[np.int64], nearest: NDArray[np.int64]) -> NDArray[np.float32]:
    cosines = np.empty(nearest.shape, np.float32)
    # Few rows at a time: what is gathered stays in the cache.
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
    """Turns near points into near videos, for every video of the block's points."""
    k = found[0].shape[1]
    order = np.lexsort((nearest, -scores), axis=1)
    nearest, scores = np.take_along_axis(nearest, order, 1), np.take_along_axis(scores, order, 1)
    videos, cosines = _expanded(points, nearest, scores, k + 1)
    # Every video of the block, and the row of its point.
    sizes = points.starts[block + 1] - points.starts[block]
    row = np.repeat(np.arange(len(block)), sizes)
    mine = points.members[points.starts[block[0]] : points.starts[block[-1] + 1]]
    candidates, values = videos[row], cosines[row]
    # Without the video itself: those behind it move up; where it is not among them, the last one is left.
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
    """The first ``most`` videos at points that are sorted by score, themselves by falling score and then by index."""
    if len(points.starts) == len(points.rows) + 1:
        return nearest[:, :most], scores[:, :most]
    sizes = np.diff(points.starts)[nearest] * (nearest >= 0)
    taken = np.minimum(sizes, most)
    rows, columns = nearest.shape
    # Each point gives its first few videos: more than `most` are never needed from one.
    step = np.arange(most)
    places = points.starts[nearest][:, :, None] + step
    valid = step < taken[:, :, None]
    videos = np.where(valid, points.members[np.where(valid, places, 0)], -1).reshape(rows, columns * most)
    values = np.where(valid, scores[:, :, None], np.float32(-np.inf)).reshape(rows, columns * most)
    order = np.lexsort((videos, -values), axis=1)[:, :most]
    return np.take_along_axis(videos, order, 1), np.take_along_axis(values, order, 1)


def _recall(points: _Points, found: Neighbors, k: int) -> float:
    """The share of the k exact best scores that approximate search reached, on a sample of videos."""
    if len(points.rows) < 2:
        return 1.0
    sample = np.random.default_rng(0).choice(len(points.rows), min(_RECALL_SAMPLE, len(points.rows)), replace=False)
    index = faiss.IndexFlatIP(points.units.shape[1])
    singles = points.units.astype(np.float32)[points.point]
    index.add(singles)
    exact, _ = index.search(singles[sample], min(k + 1, len(points.rows)))
    # The best one is the video itself, or one that lies where it does.
    reached = found[1][points.rows[sample]] >= np.pad(exact[:, 1:], ((0, 0), (0, k + 1 - exact.shape[1]))) - _ROUNDING
    return float(reached.mean())
