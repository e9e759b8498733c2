import numpy as np
import pytest
from scipy import stats

from preroll.simulations.statistics.intervals import Mean, fixed, interval_text, mean_interval


def test_the_interval_is_that_of_scipy() -> None:
    values = np.random.default_rng(0).exponential(size=12)
    ours = mean_interval(values)
    low, high = stats.t.interval(0.95, 11, values.mean(), stats.sem(values))
    assert (ours.low, ours.high) == pytest.approx((low, high), rel=1e-12)


def test_another_confidence_is_that_of_scipy() -> None:
    values = np.random.default_rng(0).exponential(size=4)
    ours = mean_interval(values, 0.999)
    assert (ours.low, ours.high) == pytest.approx(stats.t.interval(0.999, 3, values.mean(), stats.sem(values)))


@pytest.mark.parametrize(
    ("mean", "ends", "text"),
    [
        (Mean(50.0, 10.0), (40.0, 60.0), "50.0 ± 10.0"),
        (Mean(98.0, 2.0), (96.0, 100.0), "98.0 ± 2.0"),
        (Mean(98.0, 2.1), (95.9, 100.0), "98.0 [95.9, 100.0]"),
        (Mean(3.0, 3.1), (0.0, 6.1), "3.0 [0.0, 6.1]"),
        (Mean(50.0, 80.0), (0.0, 100.0), "50.0 [0.0, 100.0]"),
        (Mean(101.0, 3.0), (98.0, 101.0), "101.0 [98.0, 101.0]"),  # simulated: an estimate stays in its interval
        (Mean(104.0, 3.0), (100.0, 104.0), "104.0 [100.0, 104.0]"),
        (Mean(-2.0, 1.0), (-2.0, 0.0), "−2.0 [−2.0, 0.0]"),
        (Mean(99.95, 0.06), (99.89, 100.0), "100.0 [99.9, 100.0]"),  # what is printed would add up to 100.1
        (Mean(100.0, 0.0), (100.0, 100.0), "100.0 ± 0.0"),
    ],
)
def test_an_interval_ends_at_what_is_possible_and_says_so_by_brackets(
    mean: Mean, ends: tuple[float, float], text: str
) -> None:
    assert mean.within(0, 100) == pytest.approx(ends)
    assert mean.text(1, 0, 100) == text
    assert mean.text(1) == f"{fixed(mean.value, 1)} ± {mean.half_width:.1f}"


@pytest.mark.parametrize("seed", range(20))
def test_no_text_of_a_share_adds_up_to_more_than_100_or_less_than_0(seed: int) -> None:
    values = 100 * np.random.default_rng(seed).beta(8, 0.5, size=3)
    value, _, rest = interval_text(values, 1, 0, 100).partition(" ")
    if rest.startswith("±"):
        assert float(value) + float(rest[2:]) <= 100.0
    else:
        low, high = map(float, rest[1:-1].split(", "))
        assert 0 <= low <= float(value) <= high <= 100


def test_a_single_value_has_no_interval_and_zero_no_minus() -> None:
    assert interval_text(np.array([-0.0004]), 3, 0, 1) == "0.000"
    assert fixed(-1.5, 1) == "−1.5"


def test_scaling_moves_the_interval_with_the_mean() -> None:
    mean = mean_interval(np.array([-1.0, 0.0, 1.0, 2.0]))
    scaled = mean.scaled(-10, shift=100)
    assert scaled.value == pytest.approx(100 - 10 * mean.value)
    assert scaled.half_width == pytest.approx(10 * mean.half_width)
    assert (mean.scaled(3).low, mean.scaled(3).high) == pytest.approx((3 * mean.low, 3 * mean.high))
