"""Selection among a network's candidate boxes: score threshold and non-maximum suppression."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.perception.decoders.instances import Located, locate
from preroll.perception.onnx_models.model_card import ModelCard
from preroll.perception.video.resize import View

#: Largest number of boxes of one frame in suppression; a score threshold of 0 would admit tens of thousands.
MOST_BOXES = 1000

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Candidates:
    """The boxes of n frames before any threshold.

    Attributes:
        corners: float32 [n, A, 4], x0, y0, x1, y1 [pixels of the input].
        scores: float32 [n, A, C], of each class in each box.
    """

    corners: Floats
    scores: Floats


def located(given: Candidates, card: ModelCard, views: list[View]) -> list[Located]:
    """Returns the objects of at most n frames, whose positions in the input are given, by their boxes alone."""
    found = []
    for view, scores, corners in zip(views, given.scores, given.corners, strict=False):
        place, label = choose_boxes(scores, corners, card)
        found.append(locate(card, view, label, scores[place, label], corners[place]))
    return found


def choose_boxes(scores: Floats, corners: Floats, card: ModelCard) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Selects the boxes of one frame by the card's ``score_threshold`` and ``iou_threshold``.

    Args:
        scores: [A, C], of every class in every box.
        corners: [A, 4], x0, y0, x1, y1 of every box.
        card: provides the thresholds.

    Returns:
        Box index [k] and class index [k] of the k objects, by decreasing score.
    """
    place, label = np.nonzero((scores > 0) & (scores >= np.float32(card.score_threshold)))
    confidence = scores[place, label]
    best = np.argsort(-confidence, kind="stable")[:MOST_BOXES]
    stay = best[suppress(label[best], confidence[best], corners[place[best]], card.iou_threshold)]
    return place[stay], label[stay]


def suppress(label: NDArray[np.intp], confidence: Floats, box: Floats, threshold: float) -> NDArray[np.intp]:
    """Applies non-maximum suppression within each class.

    A box whose intersection over union with a more confident one of its class is above ``threshold`` is dropped as a
    duplicate.

    Args:
        label: [k], index of the class.
        confidence: [k].
        box: [k, 4], x0, y0, x1, y1.
        threshold: largest intersection over union of two kept boxes of one class.

    Returns:
        The indices of the kept boxes, by decreasing confidence.
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
