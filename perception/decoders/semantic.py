"""Decoder for semantic segmenters: one score per class and pixel; connected pixels of a class form an object."""

import numpy as np
from numpy.typing import NDArray

from preroll.console.plural import counted
from preroll.perception.decoders.activation import activated
from preroll.perception.decoders.instances import Located, Mask, locate
from preroll.perception.onnx_models.model_card import ModelCard
from preroll.perception.video.resize import View

Floats = NDArray[np.float32]
# 8-connectivity: pixels that touch at a corner are connected, so thin slanted parts stay in one piece.
_TOUCHING = np.ones((3, 3), np.int8)
#: The number of a pixel without a label.
VOID = 255


def semantic_objects(outputs: list[NDArray[np.generic]], card: ModelCard, views: list[View]) -> list[Located]:
    """Decodes the objects of each frame; touching objects of one class count as one.

    An object's confidence is the mean probability of its class over its pixels.

    Args:
        outputs: the first is [n, C, h, w], a score per class and pixel, with one additional class if the card has a
            background; or, if the card's outputs are labels, [n, h, w] or [n, 1, h, w], the class of each pixel.
        card: provides the classes and the thresholds, and specifies whether the activation is part of the network.
        views: positions of at most n frames in the input.

    Raises:
        ValueError: if the output does not match the card.
    """
    raw = np.asarray(outputs[0], np.float32)
    if card.outputs == "labels":
        maps = (labeled_pixels(one, card) for one in _label_maps(raw))
    else:
        channels = len(card.classes) + (card.background != "none")
        if raw.ndim != 4 or raw.shape[1] != channels:
            raise ValueError(f"the output shape is {list(raw.shape)}, but its card needs [n, {channels}, h, w]")
        maps = (pixel_classes(scores, card) for scores in raw)
    return [_objects(*one, card, view) for view, one in zip(views, maps, strict=False)]


def _label_maps(raw: Floats) -> Floats:
    """Returns [n, h, w]; the axis of the one label of a pixel may be kept in the output."""
    maps = (
        raw[:, 0]
        if raw.ndim == 4 and raw.shape[1] == 1
        else raw[..., 0]
        if raw.ndim == 4 and raw.shape[3] == 1
        else raw
    )
    if maps.ndim != 3:
        raise ValueError(f"the output shape is {list(raw.shape)}, but its card needs labels [n, h, w] or [n, 1, h, w]")
    return maps


def _objects(label: NDArray[np.int64], best: Floats, card: ModelCard, view: View) -> Located:
    from scipy import ndimage  # half of a worker's import time, and only segmenters need it

    fewest = max(1, int(0.5 * card.min_area / 100 * _frame_cells(view, card, label.shape)))
    found: list[tuple[int, float, Mask]] = []
    for index in np.unique(label[label >= 0]):
        parts, _ = ndimage.label(label == index, _TOUCHING)
        sizes = np.bincount(parts.ravel())
        sums = np.bincount(parts.ravel(), best.ravel())
        windows = ndimage.find_objects(parts)
        # Parts below half of `min_area` are dropped cheaply here; `locate` measures the others exactly.
        for part in np.flatnonzero(sizes[1:] >= fewest) + 1:
            rows, columns = windows[part - 1]
            mask = Mask(rows.start, columns.start, parts[rows, columns] == part, label.shape)
            found.append((int(index), float(sums[part] / sizes[part]), mask))
    masks = [mask for _, _, mask in found]
    labels = np.array([index for index, _, _ in found], np.int64)
    sure = np.array([confidence for _, confidence, _ in found], np.float32)
    return locate(card, view, labels, sure, _boxes(masks, card.input_size), masks)


def pixel_classes(scores: Floats, card: ModelCard) -> tuple[NDArray[np.int64], Floats]:
    """Returns the class of each pixel and its probability.

    Args:
        scores: [C, h, w] or, with a background, [C + 1, h, w].
        card: as for :func:`semantic_objects`. With ``softmax`` a pixel belongs to its best class; with ``sigmoid`` that
            class must also reach one half.

    Returns:
        Index of the class int64 [h, w], −1 if there is none, and its probability float32 [h, w].
    """
    scores = activated(scores, card, 0)
    winner = scores.argmax(0)
    best = np.take_along_axis(scores, winner[None], 0)[0]
    label = winner - (card.background == "first")
    nothing = label == len(card.classes) if card.background == "last" else np.zeros(label.shape, np.bool_)
    if card.activation == "sigmoid":
        nothing |= best < np.float32(0.5)
    label[nothing | (best <= 0)] = -1
    return label, np.clip(best, 0, 1)


def labeled_pixels(labels: Floats, card: ModelCard) -> tuple[NDArray[np.int64], Floats]:
    """Returns the class of each pixel, as :func:`pixel_classes` does, from its number [h, w]; its probability is 1.

    The number :data:`VOID`, which data sets give to pixels that nobody labelled, is no class.

    Raises:
        ValueError: if the card names no class of a number.
    """
    label = np.rint(labels).astype(np.int64) - (card.background == "first")
    known = label < len(card.classes) + (card.background == "last")
    odd = np.unique(labels[(~known | (label < -(card.background == "first"))) & (labels != VOID)])
    if len(odd):
        named = counted(len(card.classes), "class", "classes")
        raise ValueError(f"the network returns label {odd[0]:g}, but its card names {named}")
    label[label >= len(card.classes)] = -1
    return label, np.ones(label.shape, np.float32)


def _frame_cells(view: View, card: ModelCard, grid: tuple[int, ...]) -> float:
    """Returns the number of grid cells that a frame of this view covers."""
    return view.rows * view.columns * grid[0] * grid[1] / (card.input_size[0] * card.input_size[1])


def _boxes(masks: list[Mask], input_size: tuple[int, int]) -> Floats:
    """Returns x0, y0, x1, y1 of each mask [pixels of the input]."""
    edges = [(m.left, m.top, m.left + m.cells.shape[1], m.top + m.cells.shape[0]) for m in masks]
    boxes = np.array(edges, np.float32).reshape(-1, 4)
    if masks:
        rows, columns = masks[0].grid
        boxes *= np.array([input_size[1] / columns, input_size[0] / rows] * 2, np.float32)
    return boxes
