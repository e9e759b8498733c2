"""Orientation of a frame: the display matrix that a file gives it, as a mirroring and quarter turns."""

import math
import struct
from typing import cast

from av import VideoFrame
from av.buffer import Buffer


def orientation(frame: VideoFrame) -> tuple[bool, int]:
    """Returns how a frame is brought upright: whether its columns are mirrored first, and the quarter turns then.

    The turns are counter-clockwise, as those of :func:`numpy.rot90`.
    """
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return False, 0
    # Three rows of three: a pixel (x, y), y downwards, is shown at (a x + c y, b x + d y).
    a, b, _, c, d = struct.unpack_from("=5i", bytes(cast(Buffer, data)))
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    # Where both columns of a skewed matrix disagree, their mean direction counts.
    return mirrored, round(math.atan2(c - b, a + d) / (math.pi / 2)) % 4
