"""Against scipy, and against the values that rliable 1.2.0 gives for the same scores.

The numbers of rliable were made with numpy 2.4, scipy 1.17, arch 7.2 and pandas 2.3 by::

    from rliable import library as rly, metrics
    g = np.random.default_rng(7); a, b = g.beta(6, 2, (12, 5)), g.beta(5, 2, (12, 5))
    metrics.aggregate_iqm(a), metrics.aggregate_iqm(b)
    metrics.aggregate_optimality_gap(a), metrics.aggregate_optimality_gap(b), metrics.aggregate_optimality_gap(a, .8)
    metrics.probability_of_improvement(a, b)
    rly.get_interval_estimates({"a": a, "b": b}, lambda x: np.array(
        [metrics.aggregate_iqm(x), metrics.aggregate_optimality_gap(x)]), reps=50000, random_state=RandomState(0))
    rly.create_performance_profile({"a": a}, np.array([.2, .4, .6, .7, .8, .9, .95]))
"""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from preroll.simulations.statistics import bootstrap
from preroll.simulations.statistics.aggregates import (
    interquartile_mean,
    optimality_gap,
    performance_profile,
    probability_of_improvement,
)
from preroll.simulations.statistics.bootstrap import bootstrap_interval, resampled

Scores = NDArray[np.float64]


@pytest.fixture
def scores() -> tuple[Scores, Scores]:
    generator = np.random.default_rng(7)
    return generator.beta(6, 2, (12, 5)), generator.beta(5, 2, (12, 5))


def test_point_values_are_those_of_rliable(scores: tuple[Scores, Scores]) -> None:
    a, b = scores
    assert interquartile_mean(a) == pytest.approx(0.781113755964932, abs=1e-9)
    assert interquartile_mean(b) == pytest.approx(0.7544694900742643, abs=1e-9)
    assert optimality_gap(a) == pytest.approx(0.23052795069892162, abs=1e-9)
    assert optimality_gap(b) == pytest.approx(0.2687096769681022, abs=1e-9)
    assert optimality_gap(a, 0.8) == pytest.approx(0.06228231463731537, abs=1e-9)
    assert probability_of_improvement(a, b) == pytest.approx(0.5625, abs=1e-9)
    profile = performance_profile(a, [0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95])
    np.testing.assert_allclose(profile, [1, 1, 0.9, 0.75, 5 / 12, 7 / 60, 1 / 30], rtol=1e-12)


def test_intervals_are_those_of_rliable(scores: tuple[Scores, Scores]) -> None:
    """Two bootstraps differ by chance: an end of 50,000 draws has a standard error below 0.0002 (5 of them here)."""
    a, b = scores
    for matrix, aggregate, low, high in (
        (a, interquartile_mean, 0.74738795, 0.81041803),
        (b, interquartile_mean, 0.70860062, 0.79690281),
        (a, optimality_gap, 0.2016251, 0.26054531),
        (b, optimality_gap, 0.23186982, 0.30652985),
    ):
        interval = bootstrap_interval(matrix, aggregate, repetitions=50_000)
        assert interval.low == pytest.approx(low, abs=0.001)
        assert interval.high == pytest.approx(high, abs=0.001)


def test_aggregates_agree_with_scipy() -> None:
    generator = np.random.default_rng(1)
    for n, m in ((3, 1), (7, 3), (10, 4), (21, 2)):
        x, y = generator.normal(size=(n, m)).round(1), generator.normal(size=(n, m)).round(1)
        assert interquartile_mean(x) == pytest.approx(stats.trim_mean(x, 0.25, axis=None), abs=1e-12)
        by_task = [
            stats.mannwhitneyu(x[:, k], y[:, k], alternative="greater").statistic / n**2 for k in range(m)
        ]  # ties count half there too
        assert probability_of_improvement(x, y) == pytest.approx(np.mean(by_task), abs=1e-12)


def test_a_score_at_a_threshold_is_not_above_it() -> None:
    assert performance_profile([[0.5, 0.5], [0.25, 1.0]], [0.25, 0.5, 1.0]).tolist() == [0.75, 0.25, 0.0]


def test_many_draws_at_once_are_the_same_as_one_by_one() -> None:
    stack = np.random.default_rng(2).random((2, 3, 11, 3))
    for aggregate in (interquartile_mean, optimality_gap):
        one_by_one = [[aggregate(one) for one in some] for some in stack]
        np.testing.assert_array_equal(aggregate(stack), one_by_one)
    profile = performance_profile(stack, [0.2, 0.6])
    np.testing.assert_array_equal(profile, [[performance_profile(one, [0.2, 0.6]) for one in some] for some in stack])


def test_with_few_seeds_no_bootstrap_is_given() -> None:
    interval = bootstrap_interval(np.random.default_rng(3).random((9, 4)), interquartile_mean)
    assert np.isnan([interval.low, interval.high]).all()
    assert 0 < interval.value < 1


def test_the_same_seed_gives_the_same_interval(scores: tuple[Scores, Scores]) -> None:
    first, second, other = (bootstrap_interval(scores[0], interquartile_mean, seed=seed) for seed in (4, 4, 5))
    assert first == second
    assert first.value == other.value
    assert first.low != other.low
    assert first.high != other.high


def test_by_default_2000_samples_are_drawn_with_seed_0(scores: tuple[Scores, Scores]) -> None:
    default = bootstrap_interval(scores[0], interquartile_mean)
    assert default == bootstrap_interval(scores[0], interquartile_mean, repetitions=2000, seed=0, fewest=10)


def test_ten_seeds_are_enough_for_an_interval_by_default() -> None:
    scores = np.random.default_rng(3).random((10, 4))
    assert bootstrap_interval(scores, interquartile_mean).low < bootstrap_interval(scores, interquartile_mean).high
    assert np.isnan(bootstrap_interval(scores, interquartile_mean, fewest=11).low)


@pytest.mark.parametrize("at_once", [1, 100, 10**6])
def test_runs_are_drawn_again_within_their_task_each_as_often(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every entry of every sample is a run of the same task; shares within 5 standard errors, with a fixed seed."""
    monkeypatch.setattr(bootstrap, "_AT_ONCE", at_once)
    scores = np.arange(12.0).reshape(4, 3)
    drawn = resampled(scores, lambda samples: samples, 1001, np.random.default_rng(0))
    assert drawn.shape == (1001, 4, 3)
    for task in range(3):
        values, counts = np.unique(drawn[:, :, task], return_counts=True)
        assert values.tolist() == scores[:, task].tolist()
        np.testing.assert_allclose(counts, 1001, atol=5 * np.sqrt(4004 * 3 / 16))
    assert len(np.unique(drawn.reshape(1001, -1), axis=0)) > 900  # no sample is that of another chunk


def test_the_interval_of_a_mean_is_that_of_all_ways_to_draw_three_runs() -> None:
    """27 ways; the ends are quantiles to within .011 of them: three standard errors of a share of 20,000 draws."""
    scores = np.array([[0.0], [1.0], [5.0]])
    ways = [np.mean(way) for way in np.stack(np.meshgrid(*[scores[:, 0]] * 3), axis=-1).reshape(-1, 3)]
    interval = bootstrap_interval(scores, lambda samples: samples.mean(axis=(1, 2)), repetitions=20_000, fewest=3)
    assert interval.value == 2.0
    for end, part in ((interval.low, 0.025), (interval.high, 0.975)):
        least, most = np.quantile(ways, [part - 0.011, part + 0.011], method="inverted_cdf")
        assert least <= end <= most
