"""Means and their 95 % intervals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit  # scipy.stats has the same function but takes a second to import

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Mean:
    """A mean and the half width of its 95 % interval.

    Attributes:
        value: the mean.
        half_width: the interval is value ± half_width.
    """

    value: float
    half_width: float

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.value - self.half_width

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.value + self.half_width

    def scaled(self, factor: float, shift: float = 0.0) -> "Mean":
        """Returns shift + factor · this mean."""
        return Mean(shift + factor * self.value, abs(factor) * self.half_width)


def mean_interval(values: NDArray[np.float64]) -> Mean:
    """Computes Student's t interval of the mean of independent ``values`` [n], n ≥ 2.

    Examples:
        >>> mean = mean_interval(np.array([1.0, 2.0, 3.0]))
        >>> mean.value, round(mean.half_width, 6)
        (2.0, 2.484138)
    """
    n = len(values)
    error = float(values.std(ddof=1)) / n**0.5
    return Mean(float(values.mean()), float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2)) * error)
