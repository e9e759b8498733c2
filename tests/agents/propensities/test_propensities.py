"""Probabilities of being best, against integrals by scipy; the stated error is 0.002."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats
from scipy.special import ndtr

from preroll.agents.propensities import gaussian
from preroll.agents.propensities.beta import probability_of_being_best
from preroll.agents.propensities.gaussian import probability_of_being_largest
from preroll.agents.propensities.quadrature import BEYOND, WEIGHTS

ERROR = 0.002


def integrated(variables: list[Any], scales: list[float]) -> list[float]:
    """P(scale[a] · X[a] is the largest) for frozen distributions of scipy."""

    def density(x: float, a: int) -> float:
        others = [b for b in range(len(variables)) if b != a]
        below = np.prod([variables[b].cdf(scales[a] * x / scales[b]) for b in others])
        return float(variables[a].pdf(x) * below)

    ends = [(max(v.ppf(1e-12), -50), min(v.ppf(1 - 1e-12), 50)) for v in variables]
    return [integrate.quad(density, *ends[a], args=(a,), limit=500)[0] for a in range(len(variables))]


@pytest.mark.parametrize("seed", range(6))
def test_betas_race_as_the_integral_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    views, skips, rewards = 1 + 20 * rng.random(4), 1 + 20 * rng.random(4), np.array([1.0, 2.0, 0.7, 3.0])
    told = probability_of_being_best(views, skips, rewards)
    expected = integrated([stats.beta(v, s) for v, s in zip(views, skips, strict=True)], rewards.tolist())
    np.testing.assert_allclose(told, expected, atol=ERROR)
    assert told.sum() == pytest.approx(1.0, abs=1e-12)


def test_ads_that_pay_nothing_take_no_part() -> None:
    views, skips = np.array([5.0, 2.0, 3.0]), np.array([4.0, 4.0, 1.0])
    told = probability_of_being_best(views, skips, np.array([2.0, 0.0, 1.0]))
    np.testing.assert_allclose(
        told[[0, 2]], probability_of_being_best(views[[0, 2]], skips[[0, 2]], np.array([2.0, 1]))
    )
    assert told[1] == 0
    assert probability_of_being_best(views, skips, np.zeros(3)).tolist() == [1 / 3] * 3
    assert probability_of_being_best(views, skips, np.array([0, 0.5, 0])).tolist() == [0, 1, 0]


@pytest.mark.parametrize("seed", range(6))
def test_normal_variables_race_as_the_integral_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    means, deviations = rng.normal(size=4), 0.2 + rng.random(4)
    told = probability_of_being_largest(means[None], deviations[None])
    expected = integrated([stats.norm(m, d) for m, d in zip(means, deviations, strict=True)], [1.0] * 4)
    np.testing.assert_allclose(told[0], expected, atol=ERROR)
    np.testing.assert_allclose(told.sum(axis=1), 1.0, atol=1e-12)


def test_two_normal_variables_race_in_closed_form() -> None:
    gaps = np.linspace(-3, 3, 61)
    told = probability_of_being_largest(np.stack([gaps, 0 * gaps], axis=1), np.tile([1.0, 0.5], (61, 1)))
    np.testing.assert_allclose(told[:, 0], ndtr(gaps / np.hypot(1.0, 0.5)), atol=ERROR)


@pytest.mark.parametrize("rows", [1, 63, 64, 65, 130])
def test_every_row_is_a_race_of_its_own(rows: int) -> None:
    """Rows are computed in blocks of 64."""
    rng = np.random.default_rng(rows)
    means, deviations = rng.normal(size=(rows, 3)), rng.random((rows, 3))
    shift = rng.normal(size=(rows, 3))

    def matching(points: NDArray[np.float64], some: slice) -> NDArray[np.float64]:
        """The value at which X[b] + shift[b] is X[a] + shift[a]."""
        own = shift[some]
        return np.asarray(points[..., None] + own[:, :, None, None] - own[:, None, None, :])

    alone = [probability_of_being_largest(means[[i]], deviations[[i]])[0] for i in range(rows)]
    np.testing.assert_allclose(probability_of_being_largest(means, deviations), alone, rtol=1e-12)
    moved = probability_of_being_largest(means - shift, deviations, matching)
    np.testing.assert_allclose(moved, alone, atol=1e-9)
    assert gaussian.ROWS == 64


def test_constants_win_for_certain_and_what_nobody_wins_is_told_as_0() -> None:
    means = np.array([[3.0, 1.0, 2.0], [0.0, 0.0, 1e-9]])
    assert probability_of_being_largest(means, np.zeros((2, 3))).tolist() == [[1, 0, 0], [0, 0, 1]]

    def never(points: NDArray[np.float64], _: slice) -> NDArray[np.float64]:
        return np.full((*points.shape, points.shape[1]), -np.inf)

    assert probability_of_being_largest(np.zeros((1, 2)), np.ones((1, 2)), never).tolist() == [[0, 0]]


@pytest.mark.parametrize("unit", [1e-15, 1.0, 1e6])
def test_a_constant_is_one_in_any_unit(unit: float) -> None:
    """Below, at and above one another: two constants; a constant and a variable; what is 0 for certain."""
    means, deviations = np.array([[1.0, 0.5, 0.0], [1.0, 0.5, -9.0], [0.0, 0.0, 0.0]]), np.zeros((3, 3))
    deviations[1, 1] = 1.0
    told = probability_of_being_largest(means * unit, deviations * unit)
    certain = float(ndtr(0.5))
    expected = np.array([[1, 0, 0], [certain, 1 - certain, 0], [1 / 3, 1 / 3, 1 / 3]])
    np.testing.assert_allclose(told, expected, atol=ERROR)


def test_slices_are_equal_and_then_ever_thinner_towards_the_end() -> None:
    """252 of a 256th each; then each is 2^(1/4) times as thin, down to 4e-9 from the end."""
    edges = 1 - np.concatenate([[0.0], np.cumsum(WEIGHTS)])
    assert edges[-1] == pytest.approx(0, abs=1e-15)
    assert len(BEYOND) == len(WEIGHTS) == 252 + 88
    np.testing.assert_allclose(BEYOND, (edges[:-1] + edges[1:]) / 2, atol=1e-15)
    np.testing.assert_allclose(WEIGHTS[:252], 1 / 256, rtol=1e-12)
    np.testing.assert_allclose(WEIGHTS[253:-1] / WEIGHTS[252:-2], 2**-0.25, rtol=1e-6)
    assert WEIGHTS[-1] == pytest.approx(4 / 256 * 2 ** (-87 / 4), rel=1e-6)
    assert WEIGHTS[252:].sum() == pytest.approx(4 / 256, rel=1e-12)
