"""Importance: what a video shows, as one number per object class."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from preroll.perception.decoders.detections import VideoDetections

Kind = Literal["confidence", "presence", "area"]
KINDS: tuple[Kind, ...] = get_args(Kind)


def importance(found: VideoDetections, frames: int, classes: int, kind: Kind = "confidence") -> NDArray[np.float32]:
    """Computes the mean over all sampled frames of how much of each class a frame shows, 0 if it was not detected.

    importance[c] = (1/F) · Σ over f of s[c, f], where s is one of

    - ``confidence``: the largest confidence of c in f;
    - ``presence``: 1 if c is in f;
    - ``area``: Σ over the objects of class c in f of confidence · area as a share of the frame, at most 1.

    A frame without detections has no entry, but it counts in F.

    Args:
        found: frame, class, confidence and area of each detection; a class may occur several times in a frame.
        frames: F, the number of sampled frames, at least 1.
        classes: C, the number of classes.
        kind: definition of s.

    Returns:
        float32 [C] in [0, 1].
    """
    shown = np.zeros((classes, frames), np.float64)
    place = (found.label, found.frame)
    if kind == "confidence":
        np.maximum.at(shown, place, found.confidence)
    elif kind == "presence":
        shown[place] = 1
    else:
        np.add.at(shown, place, found.confidence.astype(np.float64) * found.area / 100)
    means: NDArray[np.float64] = np.minimum(shown, 1).sum(1) / frames
    return means.astype(np.float32)


def idf_weighted(importance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights each class by inverse document frequency, so that ubiquitous classes (a person) do not dominate.

    The weight of a class that n of N videos show is (ln((1 + N) / (1 + n)) + 1) / (ln(1 + N) + 1): inverse document
    frequency with the smoothing of scikit-learn's ``TfidfTransformer``, scaled into (0, 1].

    Args:
        importance: float32 [N, C].

    Returns:
        float32 [N, C] in [0, 1].
    """
    videos = len(importance)
    shows = np.count_nonzero(importance, axis=0)
    weight = (np.log((1 + videos) / (1 + shows)) + 1) / (np.log(1 + videos) + 1)
    weighted: NDArray[np.float32] = (importance * weight).astype(np.float32)
    return weighted
