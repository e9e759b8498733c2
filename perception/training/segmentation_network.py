"""The segmenter's network: the classifier's convolutions as encoder, and a decoder up to every pixel.

A small U-Net (Ronneberger et al. 2015, arXiv 1505.04597) that is initialised with the trained classifier.
"""

import copy
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu
from torch.nn.utils.fusion import fuse_conv_bn_eval

from preroll.perception.training.network import LAYERS, MEAN, SCALE

#: Last layer of the classifier at 1/2, 1/4, 1/8 and 1/16 of the input's side length.
LEVELS = (0, 2, 5, 7)
#: Channels of the decoder at 1/2, 1/4 and 1/8.
UP = (20, 40, 64)


class Block(nn.Sequential):
    """A convolution, batch normalisation and ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        """Builds the three layers."""
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, 1, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Segmenter(nn.Module):
    """uint8 pictures [n, 3, h, w] → float32 scores [n, 1 + classes, h, w] before the softmax; channel 0 is background.

    The decoder also receives the pixels themselves, folded into channels, and unfolds its output after the last
    convolution: it works at half the side length and still classifies each pixel separately. h and w are multiples of
    16.
    """

    def __init__(self, classes: int) -> None:
        """Builds the layers for ``classes`` classes of objects."""
        super().__init__()
        widths = [3, *(width for width, _ in LAYERS)]
        self.down = nn.ModuleList(nn.Conv2d(widths[i], width, 3, stride, 1) for i, (width, stride) in enumerate(LAYERS))
        half, quarter, eighth, deepest = (LAYERS[level][0] for level in LEVELS)
        a, b, c = UP
        self.fold, self.unfold = nn.PixelUnshuffle(2), nn.PixelShuffle(2)
        # The classifier's scores per cell are an input of the decoder: they identify the object before its edges.
        self.cells = nn.Conv2d(deepest, classes, 1)
        self.narrow = nn.ModuleList((Block(b, a, 1), Block(c, b, 1), Block(deepest + classes, c, 1)))
        self.up = nn.ModuleList((Block(a + half + 12, a, 3), Block(b + quarter, b, 3), Block(c + eighth, c, 3)))
        self.pixels = nn.Conv2d(a, 4 * (1 + classes), 1)

    def load_classifier(self, model: Path) -> None:
        """Loads the convolutions of a trained classifier, whose ONNX file contains them with their biases in order."""
        graph = onnx.load(model).graph
        weights = {one.name: torch.from_numpy(numpy_helper.to_array(one).copy()) for one in graph.initializer}
        found = [node for node in graph.node if node.op_type == "Conv"]
        for layer, node in zip((*self.down, self.cells), found, strict=True):
            layer.load_state_dict({"weight": weights[node.input[1]], "bias": weights[node.input[2]]})

    def forward(self, pictures: Tensor) -> Tensor:
        """Returns the score of every class in every pixel."""
        pixels = (pictures.float() - MEAN) / SCALE
        flow, skips = pixels, []
        for number, layer in enumerate(self.down):
            flow = relu(layer(flow))
            if number in LEVELS:
                skips.append(flow)
        flow = torch.cat((flow, 0.2 * self.cells(flow)), 1)
        skips[0] = torch.cat((skips[0], self.fold(pixels)), 1)
        for level in (2, 1, 0):
            wide = interpolate(self.narrow[level](flow), scale_factor=2.0, mode="nearest")
            flow = self.up[level](torch.cat((wide, skips[level]), 1))
        scores: Tensor = self.unfold(self.pixels(flow))
        return scores


class PixelProbabilities(nn.Module):
    """A trained segmenter with its batch normalisations folded into the convolutions and a final softmax.

    It averages the probabilities of a picture and of its mirror image: for twice the work the mean intersection over
    union rises by .017. (Two more sizes, 7/8 and 5/4, would add .012 for three times the work.)
    """

    def __init__(self, network: Segmenter) -> None:
        """Copies ``network`` in evaluation mode."""
        super().__init__()
        self.network = copy.deepcopy(network).eval()
        for block in [module for module in self.network.modules() if isinstance(module, Block)]:
            block[0] = fuse_conv_bn_eval(block[0], block[1])  # type: ignore[type-var, arg-type]
            block[1] = nn.Identity()

    def forward(self, pictures: Tensor) -> Tensor:
        """Returns the probability [n, 1 + classes, h, w] of background and of every class."""
        straight = torch.softmax(self.network(pictures), 1)
        mirrored = torch.softmax(self.network(pictures.flip(3)), 1)
        mean: Tensor = (straight + mirrored.flip(3)) / 2
        return mean
