"""Features of clips in blocks (captions, audio, C3D, frames), and linear models over any of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CAPTIONS = "captions"


@dataclass(frozen=True)
class Scaling:
    """How a block is brought to rows of mean square length 1, as fitted on training clips.

    Attributes:
        mean, scale: float64 [d]; z = (x − mean) · scale. A clip that lacks the block is at its mean.
    """

    mean: Floats
    scale: Floats

    @classmethod
    def fit(cls, values: Floats, *, standardise: bool) -> "Scaling":
        """Measures the clips of ``values`` that have the block."""
        known = values[~np.isnan(values).any(1)]
        mean = known.mean(0) if len(known) else np.zeros(values.shape[1])
        spread = known.std(0) if len(known) and standardise else np.ones(values.shape[1])
        scale = np.where(spread > 1e-12, 1 / np.maximum(spread, 1e-12), 0.0)
        length = (((known - mean) * scale) ** 2).sum(1).mean() if len(known) else 0.0
        return cls(mean, scale / np.sqrt(length) if length > 0 else scale)

    def apply(self, values: Floats) -> Floats:
        """z, 0 for clips that lack the block."""
        scaled: Floats = np.nan_to_num((values - self.mean) * self.scale)
        return scaled


@dataclass(frozen=True)
class LinearScore:
    """score = intercept + Σ over blocks of (x − mean)·weights.

    Attributes:
        intercept: of the score.
        means: float64 [d] by block.
        weights: float64 [d] by block.
    """

    intercept: float
    means: dict[str, Floats]
    weights: dict[str, Floats]

    def __call__(self, blocks: Mapping[str, Floats]) -> Floats:
        """Scores n clips, float64 [n]; a NaN row counts as the block's mean."""
        rows = len(next(iter(blocks.values())))
        total = np.full(rows, self.intercept)
        for name, weights in self.weights.items():
            total += np.nan_to_num(blocks[name] - self.means[name]) @ weights
        return total

    @classmethod
    def mix(cls, intercept: float, parts: "list[tuple[float, LinearScore]]") -> "LinearScore":
        """intercept + Σ share · part, as one model."""
        means: dict[str, Floats] = {}
        weights: dict[str, Floats] = {}
        for share, part in parts:
            intercept += share * part.intercept
            for name in part.weights:
                means[name] = part.means[name]
                weights[name] = weights.get(name, 0) + share * part.weights[name]
        return cls(intercept, means, weights)
