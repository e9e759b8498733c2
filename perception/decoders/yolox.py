"""Decoder for YOLOX detectors: boxes on grids of three strides (Ge et al. 2021, arXiv 2107.08430)."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from preroll.perception.decoders.nms import Candidates
from preroll.perception.onnx_models.model_card import ModelCard

STRIDES = (8, 16, 32)


def yolox_candidates(outputs: list[NDArray[np.generic]], card: ModelCard) -> Candidates:
    """Decodes the boxes of each frame.

    Args:
        outputs: the first is [n, A, 5 + C]: x, y, width, height, objectness, and the classes' scores.
        card: provides the classes and the size of the input.

    Raises:
        ValueError: if the output does not match the card.
    """
    raw = np.asarray(outputs[0], np.float32)
    grid, _ = grids(card.input_size)
    if raw.shape[1:] != (len(grid), 5 + len(card.classes)):
        raise ValueError(
            f"the output shape is {list(raw.shape[1:])} a frame; its card needs {[len(grid), 5 + len(card.classes)]}"
        )
    return Candidates(boxes(raw, card.input_size), raw[:, :, 4:5] * raw[:, :, 5:])


def boxes(raw: NDArray[np.float32], input_size: tuple[int, int]) -> NDArray[np.float32]:
    """Converts raw outputs [n, A, ≥ 4] to corners x0, y0, x1, y1 [pixels of the input], [n, A, 4]."""
    grid, stride = grids(input_size)
    centers = (raw[:, :, :2] + grid) * stride
    # Clipped so that exp cannot overflow: no box is wider than e^20 cells.
    half = np.exp(np.minimum(raw[:, :, 2:4], 20)) * stride / 2
    return np.concatenate((centers - half, centers + half), 2)


@cache
def grids(
    input_size: tuple[int, int], strides: tuple[int, ...] = STRIDES
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns column and row of each of the A cells [A, 2], and their strides [A, 1], in output order.

    A side that is no multiple of a stride ends with a cell that reaches over it.
    """
    cells, sides = [], []
    for stride in strides:
        rows, columns = np.mgrid[: -(-input_size[0] // stride), : -(-input_size[1] // stride)].astype(np.float32)
        cells.append(np.stack((columns, rows), -1).reshape(-1, 2))
        sides.append(np.full((len(cells[-1]), 1), stride, np.float32))
    return np.concatenate(cells), np.concatenate(sides)
