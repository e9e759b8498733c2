"""Decoder for YOLO segmenters: boxes with mask coefficients, and mask prototypes.

Mask prototypes were introduced by YOLACT (Bolya et al. 2019, arXiv 1904.02689).
"""

import numpy as np
from numpy.typing import NDArray

from preroll.perception.decoders.instances import Located, Mask, cut, locate, window
from preroll.perception.decoders.nms import choose_boxes
from preroll.perception.onnx_models.model_card import ModelCard
from preroll.perception.video.resize import View

Floats = NDArray[np.float32]


def yolo_seg_objects(outputs: list[NDArray[np.generic]], card: ModelCard, views: list[View]) -> list[Located]:
    """Decodes the objects of each frame; a mask is where Σ coefficients × prototypes is positive inside its box.

    Args:
        outputs: [n, 4 + C + P, A] (centre x, centre y, width, height [pixels of the input], the classes' scores, P
            coefficients) and [n, P, h, w] (prototypes), in any order.
        card: provides the classes and the thresholds.
        views: positions of at most n frames in the input.

    Raises:
        ValueError: if the outputs do not match each other or the card.
    """
    rows, prototypes = _sorted_outputs(outputs, card)
    classes = len(card.classes)
    found = []
    for view, row, prototype in zip(views, rows, prototypes, strict=False):
        table = row.T
        corners = np.concatenate((table[:, :2] - table[:, 2:4] / 2, table[:, :2] + table[:, 2:4] / 2), 1)
        scores = table[:, 4 : 4 + classes]
        place, label = choose_boxes(scores, corners, card)
        masks = [_mask(table[i, 4 + classes :], prototype, corners[i], card.input_size) for i in place]
        found.append(locate(card, view, label, scores[place, label], corners[place], masks))
    return found


def _sorted_outputs(outputs: list[NDArray[np.generic]], card: ModelCard) -> tuple[Floats, Floats]:
    tables = [np.asarray(one, np.float32) for one in outputs if one.ndim == 3]
    prototypes = [np.asarray(one, np.float32) for one in outputs if one.ndim == 4]
    if len(tables) != 1 or len(prototypes) != 1:
        shapes = ", ".join(str(list(one.shape)) for one in outputs)
        raise ValueError(f"the output shapes are {shapes}; yolo-seg needs [n, 4 + C + P, A] and [n, P, h, w]")
    table, prototype = tables[0], prototypes[0]
    given, needed = table.shape[1], 4 + len(card.classes) + prototype.shape[1]
    if given != needed:
        raise ValueError(
            f"the network returns {given} numbers a box; its card needs 4 + {len(card.classes)} classes"
            f" + {prototype.shape[1]} prototypes = {needed}"
        )
    return table, prototype


def _mask(coefficients: Floats, prototypes: Floats, corners: Floats, input_size: tuple[int, int]) -> Mask:
    """Returns the mask on the prototypes' grid; a cell belongs to the box if its centre does."""
    height, width = prototypes.shape[1:]
    top, bottom = window(corners[1], corners[3], height, input_size[0])
    left, right = window(corners[0], corners[2], width, input_size[1])
    # Positive logits are probabilities above one half, so the sigmoid is not needed.
    cells = np.tensordot(coefficients, prototypes[:, top:bottom, left:right], 1) > 0
    return cut(cells, top, left, (height, width))
