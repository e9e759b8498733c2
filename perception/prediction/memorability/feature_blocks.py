"""Scaling of feature blocks (captions, audio, C3D, frames), and linear models over any of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CAPTIONS = "captions"


@dataclass(frozen=True)
class Scaling:
    """Scaling z = (x − mean) · scale of a block to rows of mean square length 1, fitted on training clips.

    Attributes:
        mean, scale: float64 [d]. A clip without the block is treated as if it were at the mean.
    """

    mean: Floats
    scale: Floats

    @classmethod
    def fit(cls, values: Floats, *, standardize: bool) -> "Scaling":
        """Fits the scaling on the rows of ``values`` [n, d] without NaN.

        Args:
            values: features of the block; NaN rows for clips without it.
            standardize: whether every feature is first scaled to standard deviation 1.
        """
        known = values[~np.isnan(values).any(1)]
        mean = known.mean(0) if len(known) else np.zeros(values.shape[1])
        spread = known.std(0) if len(known) and standardize else np.ones(values.shape[1])
        scale = np.where(spread > 1e-12, 1 / np.maximum(spread, 1e-12), 0.0)
        length = (((known - mean) * scale) ** 2).sum(1).mean() if len(known) else 0.0
        return cls(mean, scale / np.sqrt(length) if length > 0 else scale)

    def apply(self, values: Floats) -> Floats:
        """Returns z [n, d], 0 for clips without the block."""
        scaled: Floats = np.nan_to_num((values - self.mean) * self.scale)
        return scaled


@dataclass(frozen=True)
class LinearScore:
    """Linear model: score = intercept + Σ over blocks of (x − mean)·weights.

    Attributes:
        intercept: score of a clip at the means of all blocks.
        means: float64 [d] by block.
        weights: float64 [d] by block.
    """

    intercept: float
    means: dict[str, Floats]
    weights: dict[str, Floats]

    def __call__(self, blocks: Mapping[str, Floats]) -> Floats:
        """Computes the scores of n clips, float64 [n]; a NaN row counts as the mean of its block."""
        rows = len(next(iter(blocks.values())))
        total = np.full(rows, self.intercept)
        for name, weights in self.weights.items():
            total += np.nan_to_num(blocks[name] - self.means[name]) @ weights
        return total

    @classmethod
    def mix(cls, intercept: float, parts: "list[tuple[float, LinearScore]]") -> "LinearScore":
        """Combines models into one: intercept + Σ share · part.

        Models that share a block must have the same means for it, as models fitted on the same clips have.
        """
        means: dict[str, Floats] = {}
        weights: dict[str, Floats] = {}
        for share, part in parts:
            intercept += share * part.intercept
            for name in part.weights:
                means[name] = part.means[name]
                weights[name] = weights.get(name, 0) + share * part.weights[name]
        return cls(intercept, means, weights)
