"""Detections in the frames of a video."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from preroll.perception.decoders.instances import Located


def _no_area() -> NDArray[np.float32]:
    return np.zeros(0, np.float32)


def _no_box() -> NDArray[np.float32]:
    return np.zeros((0, 4), np.float32)


@dataclass(frozen=True)
class VideoDetections:
    """Detections in a sequence of frames, ordered by frame, then by class, then by decreasing confidence.

    A classifier yields one entry per frame and class, any other network one per object. A classifier's detections refer
    to the whole frame: if area and box are not given, they are 100 % and zeros.

    Attributes:
        frame: int32 [M], counted from 0.
        label: int16 [M], index of the class.
        confidence: float32 [M] in (0, 1].
        area: float32 [M], share of the frame that the object covers [%].
        box: float32 [M, 4], x0, y0, x1, y1 [pixels of the upright frame].
    """

    frame: NDArray[np.int32]
    label: NDArray[np.int16]
    confidence: NDArray[np.float32]
    area: NDArray[np.float32] = field(default_factory=_no_area)
    box: NDArray[np.float32] = field(default_factory=_no_box)

    def __post_init__(self) -> None:
        entries = len(self.frame)
        if not len(self.area):
            object.__setattr__(self, "area", np.full(entries, 100, np.float32))
        if not len(self.box):
            object.__setattr__(self, "box", np.zeros((entries, 4), np.float32))

    @classmethod
    def join(cls, parts: Sequence["VideoDetections"]) -> "VideoDetections":
        """Concatenates the detections of consecutive runs of frames."""
        return cls(
            np.concatenate([np.zeros(0, np.int32), *(part.frame for part in parts)]),
            np.concatenate([np.zeros(0, np.int16), *(part.label for part in parts)]),
            np.concatenate([np.zeros(0, np.float32), *(part.confidence for part in parts)]),
            np.concatenate([_no_area(), *(part.area for part in parts)]),
            np.concatenate([_no_box(), *(part.box for part in parts)]),
        )

    @classmethod
    def of_objects(cls, frames: Sequence[Located], first: int = 0) -> "VideoDetections":
        """Collects the objects of consecutive frames, the first of which has the index ``first``."""
        parts = [
            cls(np.full(len(one.label), first + i, np.int32), one.label, one.confidence, one.area, one.box)
            for i, one in enumerate(frames)
        ]
        return cls.join(parts)
