"""Whether a video is one of preroll's drawings, which is all that the networks shipped with preroll were trained on."""

from collections.abc import Callable
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.perception.analysis.encoder import Encoder
from preroll.perception.video.frame_folders import SAVED_SIZE
from preroll.perception.video.resize import Fit, Fitter, Pixels
from preroll.perception.video.sampling import FRAMES_PER_SECOND, Decoding, FrameSample, sample

#: Widths and heights in which preroll draws clips and saves their frames.
DRAWN_SIZES = {
    (320, 240), (288, 216), (256, 192), (224, 168), (240, 160), (256, 160), (288, 162), (320, 180), (208, 208),
    (192, 256), (192, 288), (SAVED_SIZE, SAVED_SIZE),
}  # fmt: skip
#: A frame is reduced to so many pixels a side, and its colours are told apart in steps of so many levels.
_SIDE, _STEP = 64, 8
#: The most colourful frame of a drawing has so many of them: of 900 clips that preroll drew none has fewer than 304.
FEWEST_COLORS = 250
#: Cosine, at least, of the ImageNet embeddings of its frames and the mean direction of those of drawings, on average.
LEAST_SIMILAR = 0.495
MEAN = Path(__file__).with_name("drawings.npy")
_SECONDS = 4


def is_drawing(video: Path, encoder: Callable[[], Encoder] | None = None) -> bool:
    """Returns whether a video is a drawing of preroll: of a size in which preroll draws, colourful, and alike.

    Four frames are looked at, one each second from the first on.

    Args:
        video: the video.
        encoder: gives the network of photographs, if the look comes to that; without it a colourful film of one of the
            sizes passes for a drawing.

    Raises:
        UnreadableError: not one frame can be decoded.
    """
    frames = first_frames(video)
    if not _may_be_drawn(frames) or encoder is None:
        return _may_be_drawn(frames)
    return similarity(frames, encoder()) >= LEAST_SIMILAR


def first_frames(video: Path) -> list[FrameSample]:
    """Returns the frames that are looked at."""
    return list(islice(sample(video, Decoding()), 0, _SECONDS * FRAMES_PER_SECOND, FRAMES_PER_SECOND))


def _may_be_drawn(frames: list[FrameSample]) -> bool:
    fitter = Fitter(Fit(_SIDE, _SIDE, "stretch"))
    if any((one.frame.width, one.frame.height) not in DRAWN_SIZES for one in frames):
        return False
    return any(
        colors(fitter(one.frame, turns=one.turns, aspect=one.aspect, mirrored=one.mirrored)) >= FEWEST_COLORS
        for one in frames
    )


def similarity(frames: list[FrameSample], encoder: Encoder) -> float:
    """Returns the mean cosine of the embeddings of frames and the mean direction of those of drawings."""
    return float(np.mean(directions(frames, encoder) @ mean_direction()))


def directions(frames: list[FrameSample], encoder: Encoder) -> NDArray[np.float32]:
    """Returns the embeddings of at most four frames, as unit vectors."""
    fitter = Fitter(encoder.fit)
    vectors = encoder.embed(
        [fitter(one.frame, turns=one.turns, aspect=one.aspect, mirrored=one.mirrored) for one in frames]
    )
    units: NDArray[np.float32] = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return units


@cache
def mean_direction() -> NDArray[np.float32]:
    """Returns a unit vector, that `python -m benchmarks.drawings` computed."""
    direction: NDArray[np.float32] = np.load(MEAN)
    return direction


def colors(pixels: Pixels) -> int:
    """Returns the number of different colours in a picture, in steps of 8 of 256 levels of red, green and blue."""
    steps = pixels.astype(np.uint32) // _STEP
    return len(np.unique(steps @ np.array([1 << 10, 1 << 5, 1], np.uint32)))
