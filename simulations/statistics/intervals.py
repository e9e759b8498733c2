"""Means and their 95 % intervals."""

import math
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

    def within(self, least: float, most: float) -> tuple[float, float]:
        """Returns the ends of the interval, cut at what is possible.

        No coverage is lost: the true mean is possible. An estimate that chance has put beyond stays in its interval.

        Args:
            least: smallest possible mean.
            most: largest possible mean.
        """
        low, high = (min(max(end, least), most) for end in (self.low, self.high))
        return min(low, self.value), max(high, self.value)

    def text(self, digits: int, least: float = -math.inf, most: float = math.inf) -> str:
        """Formats the mean and its interval, which stands in brackets where it is cut at what is possible.

        Args:
            digits: digits after the point.
            least: smallest possible mean.
            most: largest possible mean.

        Examples:
            >>> Mean(97.5, 1.25).text(2, 0, 100), Mean(97.5, 4.0).text(1, 0, 100)
            ('97.50 ± 1.25', '97.5 [93.5, 100.0]')
            >>> Mean(59_740.2, 1310.4).text(0)
            '59,740 ± 1,310'
        """
        value, half = (round(number, digits) for number in (self.value, self.half_width))
        ends = round(value - half, digits), round(value + half, digits)  # what a reader of ± adds up
        if ends[0] < min(least, value) or ends[1] > max(most, value):
            low, high = self.within(least, most)
            return f"{fixed(self.value, digits)} [{fixed(low, digits)}, {fixed(high, digits)}]"
        return f"{fixed(self.value, digits)} ± {self.half_width:,.{digits}f}"

    def scaled(self, factor: float, shift: float = 0.0) -> "Mean":
        """Returns shift + factor · this mean."""
        return Mean(shift + factor * self.value, abs(factor) * self.half_width)


def fixed(value: float, digits: int) -> str:
    """Formats with fixed digits, separated thousands and a true minus sign, without a minus before 0."""
    return f"{value:z,.{digits}f}".replace("-", "−")


def mean_interval(values: NDArray[np.float64], confidence: float = CONFIDENCE) -> Mean:
    """Computes Student's t interval of the mean of independent values.

    Args:
        values: float64 [n], n ≥ 2.
        confidence: probability that the interval contains the true mean.

    Examples:
        >>> mean = mean_interval(np.array([1.0, 2.0, 3.0]))
        >>> mean.value, round(mean.half_width, 6)
        (2.0, 2.484138)
    """
    n = len(values)
    error = float(values.std(ddof=1)) / n**0.5
    return Mean(float(values.mean()), float(stdtrit(n - 1, 0.5 + confidence / 2)) * error)


def interval_text(values: NDArray[np.float64], digits: int, least: float = -math.inf, most: float = math.inf) -> str:
    """Formats the mean of values as :meth:`Mean.text` does; a single value has no interval."""
    return mean_interval(values).text(digits, least, most) if len(values) > 1 else fixed(float(values.mean()), digits)
