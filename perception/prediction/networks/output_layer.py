"""The output layer of every network, initialised to the class frequencies."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def log_odds(frequencies: NDArray[np.float64], videos: int) -> Tensor:
    """Computes the log-odds log(p / (1 − p)) of every class as initial biases.

    Half a video is added to each class, so that no log-odds are infinite. A network that starts from these biases need
    not learn the class frequencies; with thousands of rare classes, the first epochs would do little else.

    Args:
        frequencies: float64 [K], share of the videos with each class.
        videos: number of videos.

    Returns:
        float32 [K].
    """
    shares = (frequencies * videos + 0.5) / (videos + 1)
    return torch.from_numpy(np.log(shares / (1 - shares)).astype(np.float32))


def output_layer(features: int, bias: Tensor) -> nn.Linear:
    """Returns a linear layer with small random weights and the biases ``bias`` [K]."""
    layer = nn.Linear(features, len(bias))
    nn.init.normal_(layer.weight, std=0.01)
    with torch.no_grad():
        layer.bias.copy_(bias)
    return layer
