import numpy as np
import pytest
from scipy import stats

from preroll.simulations.statistics.intervals import mean_interval


def test_the_interval_is_that_of_scipy() -> None:
    values = np.random.default_rng(0).exponential(size=12)
    ours = mean_interval(values)
    low, high = stats.t.interval(0.95, 11, values.mean(), stats.sem(values))
    assert (ours.low, ours.high) == pytest.approx((low, high), rel=1e-12)


def test_scaling_moves_the_interval_with_the_mean() -> None:
    mean = mean_interval(np.array([-1.0, 0.0, 1.0, 2.0]))
    scaled = mean.scaled(-10, shift=100)
    assert scaled.value == pytest.approx(100 - 10 * mean.value)
    assert scaled.half_width == pytest.approx(10 * mean.half_width)
    assert (mean.scaled(3).low, mean.scaled(3).high) == pytest.approx((3 * mean.low, 3 * mean.high))
