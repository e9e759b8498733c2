"""Reduction of embeddings to a few numbers in [0, 1] by their principal components, as agents observe them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

#: Principal components by default.
SIZE = 64
#: A component whose squares are a smaller share of those of the embeddings is rounding.
_LEAST = 1e-9
_BLOCK = 4096


@dataclass(frozen=True)
class Reduction:
    """Principal components of embeddings, in the order of falling variance.

    The sign of an axis is that in which its largest entry, the first of equals, is positive. All components are scaled
    alike, so that distances between videos keep their proportions: .5 is the mean of the catalog, and 0 and 1 are the
    limits, minus and plus the largest coordinate of any video of the catalog.

    Attributes:
        values: float32 [N, E] in [0, 1].
        mean: float32 [D], the mean of the embeddings.
        axes: float32 [E, D], orthonormal.
        limits: float32 [2], coordinates that become 0 and 1.
    """

    values: NDArray[np.float32]
    mean: NDArray[np.float32]
    axes: NDArray[np.float32]
    limits: NDArray[np.float32]

    @property
    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """The arrays of a catalog, by name."""
        named = {"reduced": self.values, "mean": self.mean, "axes": self.axes, "limits": self.limits}
        return {f"embedding_{name}": array for name, array in named.items()}


def reduce_embeddings(embedding: NDArray[np.floating], size: int = SIZE) -> Reduction:
    """Reduces embeddings [N, D] to their first ``size`` principal components, or as many as they have.

    Examples:
        >>> line = np.array([[3.0, 4.0], [0.0, 0.0], [-3.0, -4.0]])
        >>> found = reduce_embeddings(line)
        >>> found.values.round(4).ravel().tolist(), found.limits.round(4).tolist()
        ([1.0, 0.5, 0.0], [-5.0, 5.0])
    """
    mean = embedding.mean(0, dtype=np.float64).astype(np.float32)
    # One thread: the order of sums, and thus the bytes, would depend on the number of cores.
    with threadpool_limits(1):
        axes = _axes(embedding, mean, size)
        blocks = [_centered(embedding, mean, start) @ axes.T.astype(np.float64) for start in _starts(embedding)]
    places = np.concatenate(blocks)
    limit = np.abs(places).max().astype(np.float32)
    if limit < np.abs(places).max():
        limit = np.nextafter(limit, np.float32(np.inf))
    values = 0.5 + places / (2 * (float(limit) or 1.0))
    return Reduction(np.clip(values, 0, 1).astype(np.float32), mean, axes, np.array([-limit, limit], np.float32))


def _axes(embedding: NDArray[np.floating], mean: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Returns the principal axes, float32 [E, D]; one axis of zeros where all embeddings are equal."""
    n, width = embedding.shape
    if n <= width:
        centered = _centered(embedding, mean, 0, n)
        variance, vectors = np.linalg.eigh(centered @ centered.T)
        rows = vectors.T @ centered
    else:
        parts = (_centered(embedding, mean, start) for start in _starts(embedding))
        variance, vectors = np.linalg.eigh(sum((part.T @ part for part in parts), np.zeros((width, width))))
        rows = vectors.T
    squares = sum(float(np.square(embedding[i : i + _BLOCK], dtype=np.float64).sum()) for i in _starts(embedding))
    kept = np.flatnonzero(variance > _LEAST * squares)[::-1][:size]
    if not len(kept):
        return np.zeros((1, width), np.float32)
    rows = rows[kept] / np.linalg.norm(rows[kept], axis=1, keepdims=True)
    largest = np.take_along_axis(rows, np.abs(rows).argmax(1)[:, None], 1)
    return np.ascontiguousarray(rows * np.sign(largest), np.float32)


def _starts(embedding: NDArray[np.floating]) -> range:
    return range(0, len(embedding), _BLOCK)


def _centered(
    embedding: NDArray[np.floating], mean: NDArray[np.float32], start: int, rows: int = _BLOCK
) -> NDArray[np.float64]:
    block: NDArray[np.float64] = embedding[start : start + rows].astype(np.float64) - mean
    return block
