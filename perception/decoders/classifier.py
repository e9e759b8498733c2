"""Reading the outputs of a classifier: one score per class and frame."""

import numpy as np
from numpy.typing import NDArray

from preroll.perception.onnx_models.model_card import ModelCard

Scores = NDArray[np.float32]


def class_scores(outputs: list[NDArray[np.generic]], card: ModelCard) -> Scores:
    """Turns a classifier's first output into confidences.

    Args:
        outputs: what the network gave for n frames; the first is [n, C], with axes of size 1 where it likes.
        card: says whether the activation is inside of the network.

    Returns:
        float32 [n, C] in [0, 1]. Where the card has a ``top``, only so many classes of a frame, the best ones, are not
        0 (ties: the first); with ``softmax`` and without a ``top`` only the best.

    Raises:
        ValueError: where the output has another number of classes than the card.
    """
    raw = np.asarray(outputs[0], np.float32)
    scores = raw.reshape(len(raw), -1)
    if scores.shape[1] != len(card.classes):
        raise ValueError(f"the network gives {scores.shape[1]} scores a frame, but its card names {len(card.classes)}")
    if card.outputs == "logits":
        scores = _softmax(scores) if card.activation == "softmax" else _sigmoid(scores)
    scores = np.clip(scores, 0, 1)
    top = card.top or (1 if card.activation == "softmax" else len(card.classes))
    if top < scores.shape[1]:
        best = np.argsort(-scores, axis=1, kind="stable")[:, :top] if top > 1 else scores.argmax(1)[:, None]
        winners = np.zeros_like(scores)
        np.put_along_axis(winners, best, np.take_along_axis(scores, best, 1), 1)
        return winners
    return scores


def _softmax(logits: Scores) -> Scores:
    powers: Scores = np.exp(logits - logits.max(1, keepdims=True))
    powers /= powers.sum(1, keepdims=True)
    return powers


def _sigmoid(logits: Scores) -> Scores:
    # exp of a large number overflows: halves of tanh do not.
    scores: Scores = np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * logits))
    return scores
