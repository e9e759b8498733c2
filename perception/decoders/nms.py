"""Choosing among a network's many boxes: those that are confident, each object once."""

import numpy as np
from numpy.typing import NDArray

from preroll.perception.onnx_models.model_card import ModelCard

#: Boxes of one frame that are compared with each other at most; a threshold of 0 would let tens of thousands through.
MOST_BOXES = 1000

Floats = NDArray[np.float32]


def choose_boxes(scores: Floats, corners: Floats, card: ModelCard) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The boxes of one frame that reach the card's ``score_threshold`` and survive its ``iou_threshold``.

    Args:
        scores: [A, C], of every class in every box.
        corners: [A, 4], x0, y0, x1, y1 of every box.
        card: gives the thresholds.

    Returns:
        Box and class of each object, by falling score.
    """
    place, label = np.nonzero((scores > 0) & (scores >= np.float32(card.score_threshold)))
    confidence = scores[place, label]
    best = np.argsort(-confidence, kind="stable")[:MOST_BOXES]
    stay = best[suppress(label[best], confidence[best], corners[place[best]], card.iou_threshold)]
    return place[stay], label[stay]


def suppress(label: NDArray[np.intp], confidence: Floats, box: Floats, threshold: float) -> NDArray[np.intp]:
    """Non-maximum suppression within each class.

    A box whose intersection over union with a more confident one of its class is above ``threshold`` is the same
    object seen again.

    Args:
        label: [k], index of the class.
        confidence: [k].
        box: [k, 4], x0, y0, x1, y1.
        threshold: see above.

    Returns:
        The indices of the boxes that stay, by falling confidence.
    """
    waiting = np.argsort(-confidence, kind="stable")
    size = np.maximum(box[:, 2:] - box[:, :2], 0).prod(1)
    chosen: list[int] = []
    while len(waiting):
        best, waiting = int(waiting[0]), waiting[1:]
        chosen.append(best)
        sides = np.minimum(box[waiting, 2:], box[best, 2:]) - np.maximum(box[waiting, :2], box[best, :2])
        both = np.maximum(sides, 0).prod(1)
        either = size[waiting] + size[best] - both
        waiting = waiting[(label[waiting] != label[best]) | (both <= threshold * either)]
    return np.array(chosen, np.intp)
