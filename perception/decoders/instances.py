"""Objects located in one frame: masks, boxes and areas."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.perception.onnx_models.model_card import ModelCard
from preroll.perception.video.resize import View


@dataclass(frozen=True)
class Mask:
    """An object's pixels on a grid over the network's input, cropped to a window.

    Attributes:
        top: first row of the window.
        left: first column of the window.
        cells: bool [rows, columns] of the window.
        grid: rows and columns of the whole grid.
    """

    top: int
    left: int
    cells: NDArray[np.bool_]
    grid: tuple[int, int]


@dataclass(frozen=True)
class Located:
    """The k objects of one frame, ordered by class and then by decreasing confidence.

    Attributes:
        label: int16 [k], index of the class.
        confidence: float32 [k] in (0, 1].
        area: float32 [k], share of the whole frame [%].
        box: float32 [k, 4]: x0, y0, x1, y1 [pixels of the upright frame].
        masks: the objects' pixels; None if the network predicts boxes alone.
        view: position of the frame in the network's input.
    """

    label: NDArray[np.int16]
    confidence: NDArray[np.float32]
    area: NDArray[np.float32]
    box: NDArray[np.float32]
    masks: tuple[Mask, ...] | None
    view: View


def locate(
    card: ModelCard,
    view: View,
    label: NDArray[np.integer],
    confidence: NDArray[np.float32],
    box: NDArray[np.float32],
    masks: list[Mask] | None = None,
) -> Located:
    """Measures objects in their frame and keeps those that pass the card's thresholds.

    Args:
        card: provides ``score_threshold`` and ``min_area``.
        view: position of the frame in the network's input; anything outside the frame is not counted.
        label: [k], index of the class.
        confidence: [k].
        box: [k, 4], x0, y0, x1, y1 [pixels of the input].
        masks: k masks, or None if each object is assumed to fill its box.

    Returns:
        The objects that are kept, ordered by class and then by decreasing confidence.
    """
    inside = view.to_frame(np.nan_to_num(np.asarray(box, np.float32).reshape(-1, 4)))
    if masks is None:
        sides = np.maximum(inside[:, 2:] - inside[:, :2], 0).astype(np.float64)
        area = 100 * sides.prod(1) / (view.height * view.width)
    else:
        area = np.array([mask_area(mask, view, card.input_size) for mask in masks], np.float64)
    sure = np.clip(np.nan_to_num(np.asarray(confidence, np.float32)), 0, 1)
    keep = np.flatnonzero(
        (sure > 0) & (sure >= np.float32(card.score_threshold)) & (area >= card.min_area) & (area > 0)
    )
    order = keep[np.lexsort((-sure[keep], label[keep]))]
    kept = None if masks is None else tuple(masks[i] for i in order)
    return Located(
        label[order].astype(np.int16), sure[order], area[order].astype(np.float32), inside[order], kept, view
    )


def mask_area(mask: Mask, view: View, input_size: tuple[int, int]) -> float:
    """Returns the share of the frame that a mask covers [%]; cells on the frame's edge are counted in proportion."""
    rows = _inside(mask.grid[0], input_size[0], view.top, view.rows)[mask.top : mask.top + mask.cells.shape[0]]
    columns = _inside(mask.grid[1], input_size[1], view.left, view.columns)[mask.left : mask.left + mask.cells.shape[1]]
    return float(100 * (rows @ mask.cells @ columns))


def _inside(cells: int, pixels: int, start: int, length: int) -> NDArray[np.float64]:
    """Returns the share of a frame that each of ``cells`` cells across ``pixels`` pixels covers along one axis.

    The frame occupies ``length`` pixels from ``start`` on.
    """
    edges = np.clip(np.linspace(0, pixels, cells + 1), start, start + length)
    return np.diff(edges) / length


def cut(cells: NDArray[np.bool_], top: int = 0, left: int = 0, grid: tuple[int, int] | None = None) -> Mask:
    """Crops a mask to its set cells; ``cells`` may be a window of ``grid`` that begins at (top, left)."""
    rows, columns = np.flatnonzero(cells.any(1)), np.flatnonzero(cells.any(0))
    whole = grid or (cells.shape[0], cells.shape[1])
    if not len(rows):
        return Mask(top, left, np.zeros((0, 0), np.bool_), whole)
    window = cells[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Mask(top + int(rows[0]), left + int(columns[0]), window.copy(), whole)


def window(start: float, end: float, cells: int, pixels: int) -> tuple[int, int]:
    """Returns the first cell and the one after the last whose centres lie between two edges [pixels]."""
    edges = np.nan_to_num(np.array([start, end], np.float64)) * cells / pixels
    first, last = np.clip(np.ceil(edges - 0.5), 0, cells).astype(int)
    return int(first), int(max(first, last))
