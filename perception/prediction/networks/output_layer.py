"""The last layer of every network, which starts from how common its classes are."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def log_odds(frequencies: NDArray[np.float64], videos: int) -> Tensor:
    """log(p / (1 − p)) of every class, float32 [K], with half a video added so that no class is impossible.

    A network that starts from these has nothing left to learn about how common its classes are: with thousands of rare
    classes the first epochs would do little else.
    """
    shares = (frequencies * videos + 0.5) / (videos + 1)
    return torch.from_numpy(np.log(shares / (1 - shares)).astype(np.float32))


def output_layer(features: int, bias: Tensor) -> nn.Linear:
    """A last layer with small weights that starts from the logits ``bias`` [K]."""
    layer = nn.Linear(features, len(bias))
    nn.init.normal_(layer.weight, std=0.01)
    with torch.no_grad():
        layer.bias.copy_(bias)
    return layer
