"""The classifier's network: eight plain 3 × 3 convolutions, one score per class and cell, pooled by log-sum-exp."""

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

#: Output channels and stride of each convolution; 128 × 128 pixels become 8 × 8 cells, each sees 103 × 103 pixels.
LAYERS = ((16, 2), (32, 2), (48, 1), (64, 2), (96, 1), (96, 1), (128, 2), (128, 1))
#: Normalisation of the pixels, inside the graph: (pixel − MEAN) / SCALE.
MEAN, SCALE = 114.0, 64.0


class Network(nn.Module):
    """uint8 pictures [n, 3, 128, 128] → float32 scores [n, classes] before the sigmoid, about 0.44 M parameters.

    A class's score is log Σ exp over its cells, so one small object in one cell suffices, and absent classes must be
    absent everywhere. Mean pooling would drown small objects.
    """

    def __init__(self, classes: int) -> None:
        """Builds the layers for ``classes`` classes."""
        super().__init__()
        stages: list[nn.Module] = []
        channels = 3
        for width, stride in LAYERS:
            stages.append(nn.Conv2d(channels, width, 3, stride, 1, bias=False))
            stages += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            channels = width
        self.features = nn.Sequential(*stages)
        self.cells = nn.Conv2d(channels, classes, 1)
        # Classes are initially rare: otherwise the sum over 64 cells would start far above one half.
        nn.init.constant_(self.cells.bias, -6.0)  # type: ignore[arg-type]

    def forward(self, pictures: Tensor) -> Tensor:
        """Returns the score of every class."""
        return torch.logsumexp(self.cell_scores(pictures).flatten(2), dim=2)

    def cell_scores(self, pictures: Tensor) -> Tensor:
        """Returns the score of every class in every cell: float32 [n, classes, 8, 8]."""
        pixels = (pictures.float() - MEAN) / SCALE
        scores: Tensor = self.cells(self.features(pixels))
        return scores


class ClassProbabilities(nn.Module):
    """A trained network with its batch normalisations folded into the convolutions and a final sigmoid."""

    def __init__(self, network: Network) -> None:
        """Copies ``network`` in evaluation mode."""
        super().__init__()
        self.network = copy.deepcopy(network).eval()
        layers = list(self.network.features)
        folded: list[nn.Module] = []
        for convolution, norm, relu in zip(layers[0::3], layers[1::3], layers[2::3], strict=True):
            folded += [fuse_conv_bn_eval(convolution, norm), relu]  # type: ignore[type-var, arg-type]
        self.network.features = nn.Sequential(*folded)

    def forward(self, pictures: Tensor) -> Tensor:
        """Returns the probability [n, classes] of every class."""
        return torch.sigmoid(self.network(pictures))
