"""Importance: what a video shows, as one number per object class."""

import numpy as np
from numpy.typing import NDArray

from preroll.perception.found import Found


def importance(found: Found, frames: int, classes: int) -> NDArray[np.float32]:
    """The mean over all sampled frames of the largest confidence of each class, 0 where it was not detected.

    importance[c] = (1/F) · Σ over f of max(confidence of c in f). A frame in which nothing was found has no entry, but
    it counts in F.

    Args:
        found: entries of frame, class and confidence; a class may be found several times in a frame.
        frames: F, the number of sampled frames, at least 1.
        classes: C, the number of classes.

    Returns:
        float32 [C] in [0, 1].
    """
    best = np.zeros((classes, frames), np.float32)
    np.maximum.at(best, (found.label, found.frame), found.confidence)
    means: NDArray[np.float64] = best.sum(1, dtype=np.float64) / frames
    return means.astype(np.float32)
