"""Decoder for networks that return boxes in whatever layout their card says: YOLO, SSD, DETR, NanoDet and others."""

import numpy as np
from numpy.typing import NDArray

from preroll.console.plural import counted
from preroll.perception.decoders.activation import activated, sigmoid, softmax
from preroll.perception.decoders.nms import Candidates
from preroll.perception.decoders.yolox import grids
from preroll.perception.onnx_models.card_fields import TO_CORNERS, widths
from preroll.perception.onnx_models.model_card import ModelCard

Floats = NDArray[np.float32]
# Largest number that is taken as it is: with larger ones the area of a box would overflow.
_LARGEST = 1e6


def box_candidates(outputs: list[NDArray[np.generic]], card: ModelCard) -> Candidates:
    """Decodes the boxes of each frame.

    A box has scores of all classes, or with ``softmax`` of its best class alone.

    Args:
        outputs: the outputs that the card's ``columns`` name, in that order.
        card: describes them and provides the classes.

    Raises:
        ValueError: if the outputs do not match each other or the card.
    """
    parts = _parts(outputs, card)
    corners = _cell_corners(parts["distances"], card) if "distances" in parts else _corners(parts["box"], card)
    scores = _scores(parts, card) if "scores" in parts else _labeled_scores(parts, card)
    return Candidates(corners, scores)


def _parts(outputs: list[NDArray[np.generic]], card: ModelCard) -> dict[str, Floats]:
    """Returns [n, A, width] of each column, from all outputs that have it."""
    width = widths(len(card.classes) + (card.background != "none"), card.bins)
    found: dict[str, list[Floats]] = {}
    for (name, columns), output in zip((card.columns or {}).items(), outputs, strict=True):
        sizes = [width[column] for column in columns]
        rows = rows_of(output, name, sum(sizes), name in card.transposed)
        for column, part in zip(columns, np.split(rows, np.cumsum(sizes)[:-1], 2), strict=True):
            found.setdefault(column, []).append(part)
    parts = {column: np.concatenate(pieces, 1) for column, pieces in found.items() if column != "other"}
    if len({part.shape[:2] for part in parts.values()}) != 1:
        counts = ", ".join(f"{part.shape[1]} of {column}" for column, part in parts.items())
        raise ValueError(f"the network's outputs do not fit each other: {counts}")
    return parts


def rows_of(output: NDArray[np.generic], name: str, width: int, transposed: bool) -> Floats:
    """Returns an output as [n, A, width]; a single frame may lack its axis, and a single column its own."""
    # What is not a number is no probability and no logit above 0, and four of them are a box without area.
    table = np.nan_to_num(np.asarray(output, np.float32), nan=-_LARGEST).clip(-_LARGEST, _LARGEST)
    if table.ndim == 4 and table.shape[1] == 1:
        table = table[:, 0]
    if transposed and table.ndim > 1:
        table = table.swapaxes(-1, -2)
    if table.ndim == 1 or (table.ndim == 2 and width == 1 and table.shape[1] != 1):
        table = table[..., None]
    if table.ndim == 2:
        table = table[None]
    if table.ndim != 3 or table.shape[2] != width:
        needed = f"[n, {width}, A]" if transposed else f"[n, A, {width}]"
        hint = "; is it transposed?" if width in output.shape[1:] else ""
        raise ValueError(f"the output {name!r} is {list(output.shape)}, but its card needs {needed}{hint}")
    return table


def _corners(box: Floats, card: ModelCard) -> Floats:
    corners: Floats = box @ np.array(TO_CORNERS[str(card.box_format)], np.float32).T
    height, width = card.input_size if card.box_units == "unit" else (1, 1)
    return corners * np.array([width, height] * 2, np.float32)


def _cell_corners(distances: Floats, card: ModelCard) -> Floats:
    """Returns the corners of boxes whose edges are so many cells from a point of their cell: their expected value."""
    assert card.strides is not None
    assert card.bins is not None
    cells, stride = grids(card.input_size, card.strides)
    if distances.shape[1] != len(cells):
        raise ValueError(
            f"the network returns {distances.shape[1]} boxes, but grids of {card.strides} have {len(cells)}"
        )
    shares = softmax(distances.reshape(*distances.shape[:2], 4, card.bins), 3)
    edges: Floats = np.matmul(shares, np.arange(card.bins, dtype=np.float32), dtype=np.float32)
    points = cells + np.float32(card.cell_center or 0)
    return np.concatenate((points - edges[..., :2], points + edges[..., 2:]), 2) * stride


def _scores(parts: dict[str, Floats], card: ModelCard) -> Floats:
    scores = activated(parts["scores"], card, 2)
    if card.background != "none":
        scores = scores[..., 1:] if card.background == "first" else scores[..., :-1]
    if "objectness" in parts:
        given = parts["objectness"]
        scores = scores * (sigmoid(given) if card.outputs == "logits" else np.maximum(given, 0))
    if card.activation == "softmax":
        best = scores.argmax(2)[..., None]
        scores = np.where(np.arange(scores.shape[2]) == best, scores, np.float32(0))
    return scores


def _labeled_scores(parts: dict[str, Floats], card: ModelCard) -> Floats:
    """Returns [n, A, C] with the score of each box at its label."""
    score = sigmoid(parts["score"]) if card.outputs == "logits" else parts["score"]
    if "label" not in parts:
        return score
    label = np.rint(parts["label"]) - (card.background == "first")
    nothing = {"none": (), "first": (-1,), "last": (len(card.classes),)}[card.background]
    sure = (score > 0) & (score >= np.float32(card.score_threshold)) & ~np.isin(label, nothing)
    odd = sure & ~((label >= 0) & (label < len(card.classes)))
    if odd.any():
        named = f"{counted(len(card.classes), 'class', 'classes')} from {int(card.background == 'first')}"
        raise ValueError(f"the network returns label {parts['label'][odd][0]:g}, but its card names {named}")
    return np.where(np.arange(len(card.classes)) == label, score, np.float32(0))
