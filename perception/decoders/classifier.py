"""Decoder for classifiers: one score per class and frame."""

import numpy as np
from numpy.typing import NDArray

from preroll.perception.decoders.activation import activated
from preroll.perception.onnx_models.model_card import ModelCard

Scores = NDArray[np.float32]


def class_scores(outputs: list[NDArray[np.generic]], card: ModelCard) -> Scores:
    """Converts a classifier's first output to confidences.

    Args:
        outputs: the network's outputs for n frames; the first is [n, C], possibly with additional axes of size 1.
        card: specifies whether the activation is part of the network.

    Returns:
        float32 [n, C] in [0, 1]. If the card has a ``top``, only that many classes of a frame, the best ones, are
        nonzero (ties: the first); with ``softmax`` and without a ``top`` only the best.

    Raises:
        ValueError: if the number of classes in the output differs from the card's.
    """
    raw = np.asarray(outputs[0], np.float32)
    scores = raw.reshape(len(raw), -1)
    if scores.shape[1] != len(card.classes):
        raise ValueError(
            f"the network returns {scores.shape[1]} scores a frame, but its card names {len(card.classes)}"
        )
    scores = np.clip(activated(scores, card, 1), 0, 1)
    top = card.top or (1 if card.activation == "softmax" else len(card.classes))
    if top < scores.shape[1]:
        best = np.argsort(-scores, axis=1, kind="stable")[:, :top] if top > 1 else scores.argmax(1)[:, None]
        winners = np.zeros_like(scores)
        np.put_along_axis(winners, best, np.take_along_axis(scores, best, 1), 1)
        return winners
    return scores
