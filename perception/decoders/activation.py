"""Activations that a card says are not part of its network."""

import numpy as np
from numpy.typing import NDArray

from preroll.perception.onnx_models.model_card import ModelCard

Floats = NDArray[np.float32]


def activated(scores: Floats, card: ModelCard, axis: int) -> Floats:
    """Returns probabilities of what a network returns along the axis of its classes."""
    if card.outputs != "logits":
        return scores
    return softmax(scores, axis) if card.activation == "softmax" else sigmoid(scores)


def softmax(logits: Floats, axis: int) -> Floats:
    """Returns shares that sum to 1 along an axis."""
    powers: Floats = np.exp(logits - logits.max(axis, keepdims=True))
    powers /= powers.sum(axis, keepdims=True)
    return powers


def sigmoid(logits: Floats) -> Floats:
    """Returns a probability for each number."""
    # exp overflows for large numbers, tanh does not.
    scores: Floats = np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * logits))
    return scores
