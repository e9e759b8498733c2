"""Whether a video is one of preroll's drawings, which is all that the networks shipped with preroll were trained on."""

from itertools import islice
from pathlib import Path

import numpy as np

from preroll.perception.video.frame_folders import SAVED_SIZE
from preroll.perception.video.resize import Fit, Fitter, Pixels
from preroll.perception.video.sampling import FRAMES_PER_SECOND, Decoding, sample

#: Widths and heights in which preroll draws clips and saves their frames.
DRAWN_SIZES = {
    (320, 240), (288, 216), (256, 192), (224, 168), (240, 160), (256, 160), (288, 162), (320, 180), (208, 208),
    (192, 256), (192, 288), (SAVED_SIZE, SAVED_SIZE),
}  # fmt: skip
#: A frame is reduced to so many pixels a side, and its colours are told apart in steps of so many levels.
_SIDE, _STEP = 64, 8
#: The most colourful frame of a drawing has so many of them: of 900 clips that preroll drew none has fewer than 304.
FEWEST_COLORS = 250
_SECONDS = 4


def is_drawing(video: Path) -> bool:
    """Returns whether a video is a drawing of preroll: of a size in which preroll draws, and colourful.

    Four frames are looked at, one each second from the first on.

    Raises:
        UnreadableError: not one frame can be decoded.
    """
    fitter = Fitter(Fit(_SIDE, _SIDE, "stretch"))
    samples = sample(video, Decoding())
    most = 0
    for one in islice(samples, 0, _SECONDS * FRAMES_PER_SECOND, FRAMES_PER_SECOND):
        if (one.frame.width, one.frame.height) not in DRAWN_SIZES:
            return False
        most = max(most, colors(fitter(one.frame, turns=one.turns, aspect=one.aspect)))
    return most >= FEWEST_COLORS


def colors(pixels: Pixels) -> int:
    """Returns the number of different colours in a picture, in steps of 8 of 256 levels of red, green and blue."""
    steps = pixels.astype(np.uint32) // _STEP
    return len(np.unique(steps @ np.array([1 << 10, 1 << 5, 1], np.uint32)))
