"""A linear score of feature blocks as a network, for ONNX."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from preroll.perception.prediction.export import export
from preroll.perception.prediction.models.blocks import Floats, LinearScore


class LinearNetwork(nn.Module):
    """Blocks float32 [n, d] in the order of their names → score float32 [n, 1]; NaN counts as a block's mean."""

    intercept: Tensor

    def __init__(self, score: LinearScore) -> None:
        """Copy the numbers of ``score``."""
        super().__init__()
        self.blocks = sorted(score.weights)
        self.register_buffer("intercept", torch.tensor(score.intercept, dtype=torch.float32))
        self.means = nn.ParameterDict({name: _fixed(score.means[name]) for name in self.blocks})
        self.weights = nn.ParameterDict({name: _fixed(score.weights[name]) for name in self.blocks})

    def forward(self, *blocks: Tensor) -> Tensor:
        """Score the clips."""
        total = self.intercept
        for name, values in zip(self.blocks, blocks, strict=True):
            known = torch.where(torch.isnan(values), self.means[name], values)
            total = total + (known - self.means[name]) @ self.weights[name]
        return total[:, None]


def export_linear(path: Path, network: LinearNetwork, example: Mapping[str, Floats]) -> None:
    """Writes the network, compared with torch on the clips of ``example``, one of which lacks everything."""
    whole = tuple(torch.from_numpy(np.array(example[name], np.float32)) for name in network.blocks)
    lacking = tuple(torch.cat((block[:1], torch.full_like(block[:1], torch.nan))) for block in whole)
    export(path, network, [whole, lacking], inputs=network.blocks, output="score")


def _fixed(values: Floats) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values, dtype=torch.float32), requires_grad=False)
