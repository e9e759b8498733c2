"""Patches: stretches of a video's frames, drawn at random for training, covering all of it otherwise."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.floating]
Padded = tuple[NDArray[np.float32], NDArray[np.float32]]


def random_patch(frames: Frames, length: int, rng: np.random.Generator) -> Frames:
    """``length`` consecutive frames from a random start; all of them where there are fewer."""
    start = int(rng.integers(max(1, len(frames) - length + 1)))
    return frames[start : start + length]


def covering_patches(frames: Frames, length: int) -> list[Frames]:
    """The fewest patches of ``length`` frames that cover the video, evenly spaced from its first to its last frame."""
    count = -(-len(frames) // length)
    starts = np.linspace(0, max(0, len(frames) - length), count).round().astype(int)
    return [frames[start : start + length] for start in starts]


def padded(patches: Sequence[Frames]) -> Padded:
    """Patches side by side: frames float32 [n, T, D], zero behind a patch's end, and mask float32 [n, T].

    Rows of zeros, which are no embedding, are masked wherever they stand.
    """
    longest = max(len(patch) for patch in patches)
    frames = np.zeros((len(patches), longest, patches[0].shape[1]), np.float32)
    for row, patch in enumerate(patches):
        frames[row, : len(patch)] = patch
    mask: NDArray[np.float32] = np.any(frames, axis=2).astype(np.float32)
    return frames, mask
