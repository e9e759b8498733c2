"""Vectors of frames and videos, made of what an encoder returns."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


def frame_vectors(output: NDArray[Any], pool: str | None) -> Vectors:
    """Returns one vector for each frame of an output; axes of size one are left out, and others never flattened.

    Args:
        output: [n, d] or [n, tokens, d].
        pool: ``first`` or ``mean`` of the tokens; None if there are none.

    Returns:
        float32 [n, d], not normalised.

    Raises:
        ValueError: the output has another shape, or numbers that are not finite.

    Examples:
        >>> frame_vectors(np.array([[[1, 2], [3, 6]]]), "mean")
        array([[2., 4.]], dtype=float32)
    """
    found = np.asarray(output, np.float32)
    if pool is not None and found.ndim == 3:
        found = found[:, 0] if pool == "first" else found.mean(1, dtype=np.float32)
    found = found.reshape(*found.shape[:2], *(size for size in found.shape[2:] if size != 1))
    if found.ndim == 3 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 2:
        raise ValueError(
            f"its vectors are {list(np.shape(output))}; must be [n, d], or [n, tokens, d] with a card that says"
            " pool: first or mean"
        )
    if not np.isfinite(found).all():
        raise ValueError("it returns numbers that are not finite")
    return found


def video_vector(frames: Vectors) -> Vectors:
    """Returns the mean of the vectors of a video's frames, scaled to length 1.

    Args:
        frames: float32 [n, d].

    Returns:
        float32 [1, d], rounded to float16, as which a catalog keeps it; zeros where the mean is zero.
    """
    mean = frames.mean(0, dtype=np.float64)
    length = float(np.linalg.norm(mean))
    unit = mean / length if length > 0 else mean
    rounded: Vectors = unit.astype(np.float16).astype(np.float32)
    return rounded[None]
