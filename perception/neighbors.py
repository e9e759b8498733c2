"""A content-based recommender: for each video the ten others whose importance vectors point the same way."""

import faiss
import numpy as np
from numpy.typing import NDArray

from preroll.perception.catalog import NEIGHBORS

# Candidates that are fetched per video beyond the ten, and the rows that are searched at once.
_SPARE = 22
_BLOCK = 4096
# Cosines of float32 vectors are this close to the exact ones.
_ROUNDING = 1e-5

Neighbors = tuple[NDArray[np.int32], NDArray[np.float32]]


def nearest_neighbors(importance: NDArray[np.float32], k: int = NEIGHBORS) -> Neighbors:
    """The k most similar other videos of each, exactly, by the cosine of their importance vectors.

    Equal scores are ordered by index. A video in which nothing was found has no neighbours and is nobody's.

    Args:
        importance: float32 [N, C].
        k: how many.

    Returns:
        int32 [N, k], best first, padded with −1, and their cosines float32 [N, k], 0 where padded.
    """
    n = len(importance)
    found = np.full((n, k), -1, np.int32), np.zeros((n, k), np.float32)
    lengths = np.linalg.norm(importance.astype(np.float64), axis=1)
    rows = np.flatnonzero(lengths > 0)
    if len(rows) < 2:
        return found
    units = importance[rows].astype(np.float64) / lengths[rows, None]
    index = faiss.IndexFlatIP(units.shape[1])
    index.add(units.astype(np.float32))
    for start in range(0, len(rows), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(rows)))
        nearest, scores = _search(index, units, block, k)
        found[0][rows[block], : nearest.shape[1]] = np.where(nearest >= 0, rows[nearest], -1)
        found[1][rows[block], : scores.shape[1]] = scores
    return found


def _search(index: "faiss.IndexFlatIP", units: NDArray[np.float64], block: NDArray[np.int64], k: int) -> Neighbors:
    """Searches a block of rows; where more candidates may tie with the last one, compares with all videos."""
    wanted = min(k + 1 + _SPARE, len(units))
    rough, candidates = index.search(units[block].astype(np.float32), wanted)
    scores = np.einsum("bwc,bc->bw", units[candidates], units[block]).astype(np.float32)
    nearest, best = _ordered(candidates, scores, block, k)
    if wanted < len(units):
        for row in np.flatnonzero(rough[:, -1] >= best[:, -1] - _ROUNDING):
            everyone = np.arange(len(units))[None, :]
            exact = np.einsum("nc,c->n", units, units[block[row]]).astype(np.float32)[None, :]
            nearest[row], best[row] = (part[0] for part in _ordered(everyone, exact, block[row : row + 1], k))
    return nearest, best


def _ordered(candidates: NDArray[np.int64], scores: NDArray[np.float32], block: NDArray[np.int64], k: int) -> Neighbors:
    """The k best candidates of each row without the row itself, by falling score and then by index."""
    own = candidates == block[:, None]
    ranked = np.where(own, -np.inf, scores)
    order = np.lexsort((candidates, -ranked), axis=1)[:, : min(k, candidates.shape[1] - 1)]
    nearest = np.take_along_axis(candidates, order, 1).astype(np.int32)
    return nearest, np.clip(np.take_along_axis(scores, order, 1), 0, 1)
