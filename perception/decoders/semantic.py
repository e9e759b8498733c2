"""Reading the outputs of a semantic segmenter: a score per class and pixel; its connected pixels are an object."""

import numpy as np
from numpy.typing import NDArray

from preroll.perception.decoders.instances import Located, Mask, locate
from preroll.perception.onnx_models.model_card import ModelCard
from preroll.perception.video.resize import View

Floats = NDArray[np.float32]
# Pixels that touch at a corner are connected: thin slanted parts do not fall to pieces.
_TOUCHING = np.ones((3, 3), np.int8)


def semantic_objects(outputs: list[NDArray[np.generic]], card: ModelCard, views: list[View]) -> list[Located]:
    """The objects of each frame. Touching objects of one class count as one.

    An object's confidence is the mean probability of its class over its pixels.

    Args:
        outputs: the first is [n, C, h, w], a score per class and pixel; one more class where the card has a background.
        card: gives the classes and the thresholds, and says whether the activation is inside of the network.
        views: where each of at most n frames lies in the input.

    Raises:
        ValueError: where the output does not fit the card.
    """
    raw = np.asarray(outputs[0], np.float32)
    channels = len(card.classes) + (card.background != "none")
    if raw.ndim != 4 or raw.shape[1] != channels:
        raise ValueError(f"the network gives {list(raw.shape)}, but its card needs [n, {channels}, h, w]")
    return [_objects(scores, card, view) for scores, view in zip(raw, views, strict=False)]


def _objects(scores: Floats, card: ModelCard, view: View) -> Located:
    from scipy import ndimage  # half of what a worker would load at its start, and only segmenters need it

    label, best = pixel_classes(scores, card)
    fewest = max(1, int(0.5 * card.min_area / 100 * _frame_cells(view, card, label.shape)))
    found: list[tuple[int, float, Mask]] = []
    for index in np.unique(label[label >= 0]):
        parts, _ = ndimage.label(label == index, _TOUCHING)
        sizes = np.bincount(parts.ravel())
        sums = np.bincount(parts.ravel(), best.ravel())
        windows = ndimage.find_objects(parts)
        # Specks are left out before they cost anything; what is near the least area is measured exactly.
        for part in np.flatnonzero(sizes[1:] >= fewest) + 1:
            rows, columns = windows[part - 1]
            mask = Mask(rows.start, columns.start, parts[rows, columns] == part, label.shape)
            found.append((int(index), float(sums[part] / sizes[part]), mask))
    masks = [mask for _, _, mask in found]
    labels = np.array([index for index, _, _ in found], np.int64)
    sure = np.array([confidence for _, confidence, _ in found], np.float32)
    return locate(card, view, labels, sure, _boxes(masks, card.input_size), masks)


def pixel_classes(scores: Floats, card: ModelCard) -> tuple[NDArray[np.int64], Floats]:
    """The class of each pixel and its probability.

    Args:
        scores: [C, h, w] or, with a background, [C + 1, h, w].
        card: as above. With ``softmax`` the best class has the pixel, with ``sigmoid`` it needs one half besides.

    Returns:
        Index of the class [h, w], −1 where there is none, and its probability [h, w].
    """
    if card.outputs == "logits":
        scores = _softmax(scores) if card.activation == "softmax" else np.float32(0.5) * (1 + np.tanh(scores / 2))
    winner = scores.argmax(0)
    best = np.take_along_axis(scores, winner[None], 0)[0]
    label = winner - (card.background == "first")
    nothing = label == len(card.classes) if card.background == "last" else np.zeros(label.shape, np.bool_)
    if card.activation == "sigmoid":
        nothing |= best < np.float32(0.5)
    label[nothing | (best <= 0)] = -1
    return label, np.clip(best, 0, 1)


def _softmax(scores: Floats) -> Floats:
    powers: Floats = np.exp(scores - scores.max(0))
    powers /= powers.sum(0)
    return powers


def _frame_cells(view: View, card: ModelCard, grid: tuple[int, ...]) -> float:
    """How many cells of the grid a frame of this view would take."""
    return view.rows * view.columns * grid[0] * grid[1] / (card.input_size[0] * card.input_size[1])


def _boxes(masks: list[Mask], input_size: tuple[int, int]) -> Floats:
    """x0, y0, x1, y1 of each mask [pixels of the input]."""
    edges = [(m.left, m.top, m.left + m.cells.shape[1], m.top + m.cells.shape[0]) for m in masks]
    boxes = np.array(edges, np.float32).reshape(-1, 4)
    if masks:
        rows, columns = masks[0].grid
        boxes *= np.array([input_size[1] / columns, input_size[0] / rows] * 2, np.float32)
    return boxes
