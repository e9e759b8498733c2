"""Patches of consecutive frames: a random one for training, or a covering set for prediction."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.floating]
Padded = tuple[NDArray[np.float32], NDArray[np.float32]]


def random_patch(frames: Frames, length: int, rng: np.random.Generator) -> Frames:
    """Draws ``length`` consecutive frames from a random start; returns all frames if there are fewer."""
    start = int(rng.integers(max(1, len(frames) - length + 1)))
    return frames[start : start + length]


def covering_patches(frames: Frames, length: int) -> list[Frames]:
    """Returns the fewest patches of ``length`` frames that cover the video, evenly spaced from first to last frame."""
    count = -(-len(frames) // length)
    starts = np.linspace(0, max(0, len(frames) - length), count).round().astype(int)
    return [frames[start : start + length] for start in starts]


def padded(patches: Sequence[Frames]) -> Padded:
    """Pads patches to the length T of the longest one.

    Args:
        patches: n arrays, float [length, D].

    Returns:
        Frames float32 [n, T, D], 0 behind the end of a patch, and mask float32 [n, T], 0 for every row of zeros (also
        within a patch, as these are not embeddings) and 1 otherwise.
    """
    longest = max(len(patch) for patch in patches)
    frames = np.zeros((len(patches), longest, patches[0].shape[1]), np.float32)
    for row, patch in enumerate(patches):
        frames[row, : len(patch)] = patch
    mask: NDArray[np.float32] = np.any(frames, axis=2).astype(np.float32)
    return frames, mask
