"""Decoder for Mask R-CNN (He et al. 2017, arXiv 1703.06870) in the output layout of torchvision."""

import numpy as np
from numpy.typing import NDArray

from preroll.console.plural import counted
from preroll.perception.decoders.instances import Located, Mask, cut, locate, window
from preroll.perception.onnx_models.model_card import ModelCard
from preroll.perception.video.resize import View

# Smallest mask value of a pixel that belongs to the object.
_MASK_THRESHOLD = 0.5


def maskrcnn_objects(outputs: list[NDArray[np.generic]], card: ModelCard, views: list[View]) -> list[Located]:
    """Decodes the objects of one frame; non-maximum suppression is part of the network.

    Args:
        outputs: boxes [N, 4] (x0, y0, x1, y1 [pixels of the input]), labels [N] (integers), scores [N] and masks [N, 1,
            H, W] over the whole input, or each over its box if the card says ``masks: box``, in any order; N may be 0.
            Labels count from the background if the card says ``background: first``, as torchvision's do.
        card: provides the classes and the thresholds.
        views: position of the frame in the input; only one, because N is free.

    Returns:
        A list of length 1.

    Raises:
        ValueError: if the outputs do not match each other or the card.
    """
    boxes, labels, scores, masks = _sorted_outputs(outputs)
    first = 1 if card.background == "first" else 0
    real = np.flatnonzero((labels >= first) & (labels < first + len(card.classes)))
    if card.background == "none" and len(real) < len(labels):
        odd = sorted({int(one) for one in labels} - set(range(len(card.classes))))
        named = counted(len(card.classes), "class", "classes")
        raise ValueError(f"the network returns label {odd[0]}, but its card names {named} from 0")
    sure = real[np.nan_to_num(scores[real]) >= np.float32(card.score_threshold)]
    if card.masks is None and 0 not in masks.shape[2:] and masks.shape[2:] != card.input_size:
        size = " × ".join(map(str, masks.shape[2:]))
        raise ValueError(f"its masks are {size}; its card must say in masks whether they lie over the input or the box")
    if card.masks == "box":
        cells = [paste(masks[i, 0], boxes[i], card.input_size) for i in sure]
    else:
        cells = [cut(masks[i, 0] >= _MASK_THRESHOLD) for i in sure]
    return [locate(card, views[0], labels[sure] - first, scores[sure], boxes[sure], cells)]


def paste(mask: NDArray[np.float32], box: NDArray[np.float32], input_size: tuple[int, int]) -> Mask:
    """Returns the pixels of the input at which a mask over a box, interpolated linearly, reaches one half.

    Args:
        mask: [h, w].
        box: x0, y0, x1, y1 [pixels of the input]; a pixel belongs to it if its centre does.
        input_size: height and width of the input.
    """
    x0, y0, x1, y1 = np.nan_to_num(box)
    top, rows = _stretched(mask.shape[0], y0, y1, input_size[0])
    left, columns = _stretched(mask.shape[1], x0, x1, input_size[1])
    return cut(rows @ np.nan_to_num(mask) @ columns.T >= _MASK_THRESHOLD, top, left, input_size)


def _stretched(cells: int, start: float, end: float, pixels: int) -> tuple[int, NDArray[np.float32]]:
    """Returns the first pixel between two edges, and what each pixel there takes of each of the cells between them."""
    first, last = window(start, end, pixels, pixels)
    places = (np.arange(first, last) + 0.5 - start) / max(end - start, 1e-6) * cells - 0.5
    places = np.clip(places, 0, cells - 1)
    return first, np.maximum(0, 1 - np.abs(places[:, None] - np.arange(cells))).astype(np.float32)


def _sorted_outputs(
    outputs: list[NDArray[np.generic]],
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Returns boxes, labels, scores and masks, identified by their number of axes and their type."""
    kinds = {(one.ndim, str(one.dtype.kind)): one for one in outputs}
    wanted = ((2, "f"), (1, "i"), (1, "f"), (4, "f"))
    shapes = ", ".join(f"{one.dtype} {list(one.shape)}" for one in outputs)
    if any(kind not in kinds for kind in wanted):
        raise ValueError(
            f"the output shapes are {shapes}; maskrcnn needs boxes [N, 4], labels [N], scores [N], masks [N, 1, H, W]"
        )
    boxes, labels, scores, masks = (kinds[kind] for kind in wanted)
    n = len(labels)
    if boxes.shape != (n, 4) or scores.shape != (n,) or masks.shape[:2] != (n, 1):
        raise ValueError(f"the network's outputs do not fit each other: {shapes}")
    floats = (np.asarray(one, np.float32) for one in (boxes, scores, masks))
    box, score, mask = floats
    return box, np.asarray(labels, np.int64), score, mask
