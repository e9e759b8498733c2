"""Resizing of a frame for a network or a picture, directly from the decoder's full frame."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from av import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from preroll.perception.video.hdr import curve_of, to_usual_range

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class View:
    """Position of an upright frame in a network's input.

    Attributes:
        height: rows of the frame.
        width: columns of the frame.
        top: row of the input at which the frame begins; negative if its upper part is cut off.
        left: column of the input at which it begins.
        rows: rows of the input that the whole frame would cover.
        columns: columns of the input that the whole frame would cover.
    """

    height: int
    width: int
    top: int
    left: int
    rows: int
    columns: int

    def to_frame(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Converts boxes [k, 4] (x0, y0, x1, y1) from input pixels to frame pixels, clipped to the frame."""
        start = np.array([self.left, self.top] * 2, np.float32)
        most = np.array([self.width, self.height] * 2, np.float32)
        scale = most / np.array([self.columns, self.rows] * 2, np.float32)
        inside: NDArray[np.float32] = np.clip((boxes - start) * scale, 0, most)
        return inside


@dataclass(frozen=True)
class Fit:
    """A target size, and how frames of another shape are fitted to it.

    Attributes:
        height: rows of the result.
        width: columns of the result.
        how: ``crop`` (the largest centred part), ``letterbox`` (the whole frame on a grey field) or ``stretch``.
        pad: grey value of the letterbox.
        place: position of the frame in the letterbox.
    """

    height: int
    width: int
    how: Literal["crop", "letterbox", "stretch"] = "crop"
    pad: int = 114
    place: Literal["center", "top-left"] = "center"

    def scaled(self, height: int, width: int, aspect: Fraction = Fraction(1)) -> tuple[int, int]:
        """Returns the rows and columns to which a frame is scaled before it is cropped or padded.

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

    def view(self, height: int, width: int, aspect: Fraction = Fraction(1)) -> View:
        """Returns the position of an upright frame of the given size (see :meth:`scaled`) in the result."""
        rows, columns = self.scaled(height, width, aspect)
        if self.how == "crop":
            top, left = -((rows - self.height) // 2), -((columns - self.width) // 2)
        elif self.place == "center":
            top, left = (self.height - rows) // 2, (self.width - columns) // 2
        else:
            top, left = 0, 0
        return View(height, width, top, left, rows, columns)


class Fitter:
    """Scaler of the frames of one video to one :class:`Fit`.

    It reuses one scaler for the video: ``frame.to_ndarray(width=…)`` would build a new one for each frame.
    """

    def __init__(self, fit: Fit) -> None:
        self.fit = fit
        self._scaler = VideoReformatter()

    def __call__(
        self, frame: VideoFrame, *, turns: int = 0, aspect: Fraction = Fraction(1), mirrored: bool = False
    ) -> Pixels:
        """Returns a frame scaled, cropped or padded, and turned upright.

        Args:
            frame: as returned by the decoder, in any pixel format.
            turns: quarter turns counter-clockwise that bring it upright.
            aspect: width of one pixel divided by its height, before turning.
            mirrored: whether its columns are mirrored before turning.

        Returns:
            uint8 [height, width, 3], RGB.
        """
        view = self.view(frame, turns=turns, aspect=aspect)
        columns, rows = (view.rows, view.columns) if turns % 2 else (view.columns, view.rows)
        # AREA averages all pixels that fall together, at the cost of BILINEAR. One thread: each worker has one core.
        transparent = any(component.is_alpha for component in frame.format.components)
        bright = not transparent and curve_of(frame) is not None
        scaled = self._scaler.reformat(
            frame,
            width=columns,
            height=rows,
            format="rgba" if transparent else "rgb48le" if bright else "rgb24",
            interpolation=Interpolation.AREA,
            threads=1,
        )
        if bright:
            pixels = to_usual_range(np.asarray(scaled.to_ndarray(), np.uint16), frame)
        else:
            pixels = np.asarray(scaled.to_ndarray(), np.uint8)
        if transparent:
            pixels = on_gray(pixels, self.fit.pad)
        upright: Pixels = np.rot90(pixels[:, ::-1] if mirrored else pixels, turns)
        return np.ascontiguousarray(self._placed(upright, view))

    def view(self, frame: VideoFrame, *, turns: int = 0, aspect: Fraction = Fraction(1)) -> View:
        """Returns the position of the same frame in the result of a call."""
        if turns % 2:
            return self.fit.view(frame.width, frame.height, 1 / aspect)
        return self.fit.view(frame.height, frame.width, aspect)

    def _placed(self, picture: Pixels, view: View) -> Pixels:
        fit = self.fit
        if (view.rows, view.columns) == (fit.height, fit.width):
            return picture
        if fit.how == "crop":
            top, left = -view.top, -view.left
            return picture[top : top + fit.height, left : left + fit.width]
        field = np.full((fit.height, fit.width, 3), fit.pad, np.uint8)
        field[view.top : view.top + view.rows, view.left : view.left + view.columns] = picture
        return field


def on_gray(pixels: Pixels, gray: int = 114) -> Pixels:
    """Composites uint8 [height, width, 4], RGBA, onto grey; returns uint8 [height, width, 3]."""
    alpha = pixels[..., 3:].astype(np.uint16)
    laid: Pixels = ((pixels[..., :3] * alpha + gray * (255 - alpha) + 127) // 255).astype(np.uint8)
    return laid
