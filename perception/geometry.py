"""Bringing a frame to the size that a network or a picture wants, straight from the decoder's full frame."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from av import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Fit:
    """A target size and how a frame of another shape gets it.

    Attributes:
        height: rows of the result.
        width: columns of the result.
        how: ``crop`` (the largest centred part), ``letterbox`` (the whole frame on a grey field) or ``stretch``.
        pad: grey value of the letterbox.
        place: where the frame lies in the letterbox.
    """

    height: int
    width: int
    how: Literal["crop", "letterbox", "stretch"] = "crop"
    pad: int = 114
    place: Literal["center", "top-left"] = "center"

    def scaled(self, height: int, width: int, aspect: Fraction = Fraction(1)) -> tuple[int, int]:
        """Rows and columns that a frame of the given size is scaled to before it is cropped or padded.

        Args:
            height: rows of the frame.
            width: columns of the frame.
            aspect: width of one pixel divided by its height; not 1 for anamorphic video.
        """
        if self.how == "stretch":
            return self.height, self.width
        ratios = (Fraction(self.height, height), Fraction(self.width) / (width * aspect))
        ratio = max(ratios) if self.how == "crop" else min(ratios)
        rows, columns = round(height * ratio), round(width * aspect * ratio)
        if self.how == "crop":
            return max(rows, self.height), max(columns, self.width)
        return min(max(rows, 1), self.height), min(max(columns, 1), self.width)


class Fitter:
    """Scales the frames of one video to one :class:`Fit`.

    It keeps one scaler for the video: ``frame.to_ndarray(width=…)`` would build a new one for each frame.
    """

    def __init__(self, fit: Fit) -> None:
        self.fit = fit
        self._scaler = VideoReformatter()

    def __call__(self, frame: VideoFrame, *, turns: int = 0, aspect: Fraction = Fraction(1)) -> Pixels:
        """Scales, crops or pads, and turns a frame.

        Args:
            frame: as the decoder gave it, in any pixel format.
            turns: quarter turns counter-clockwise that bring it upright.
            aspect: width of one pixel divided by its height, before turning.

        Returns:
            uint8 [height, width, 3], RGB.
        """
        fit = self.fit
        if turns % 2:
            columns, rows = fit.scaled(frame.width, frame.height, 1 / aspect)
        else:
            rows, columns = fit.scaled(frame.height, frame.width, aspect)
        # AREA averages the pixels that fall together, at the cost of BILINEAR. One thread: each worker has one core.
        scaled = self._scaler.reformat(
            frame, width=columns, height=rows, format="rgb24", interpolation=Interpolation.AREA, threads=1
        )
        upright: Pixels = np.rot90(scaled.to_ndarray(), turns)
        return np.ascontiguousarray(self._placed(upright))

    def _placed(self, picture: Pixels) -> Pixels:
        fit, (rows, columns) = self.fit, picture.shape[:2]
        if (rows, columns) == (fit.height, fit.width):
            return picture
        if fit.how == "crop":
            top, left = (rows - fit.height) // 2, (columns - fit.width) // 2
            return picture[top : top + fit.height, left : left + fit.width]
        field = np.full((fit.height, fit.width, 3), fit.pad, np.uint8)
        centred = fit.place == "center"
        top, left = ((fit.height - rows) // 2, (fit.width - columns) // 2) if centred else (0, 0)
        field[top : top + rows, left : left + columns] = picture
        return field
