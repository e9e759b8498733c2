import numpy as np
import pytest

from benchmarks.family_wise_error import (
    above_level,
    false_alarms,
    false_alarms_against_the_best,
    families,
    hidden_difference,
    normal,
    skewed,
)
from preroll.simulations.statistics.comparison import Verdict, compare_pairs


@pytest.fixture(scope="module")
def equal() -> list[list[Verdict]]:
    """150 families of 15 agents with the same mean and variance, five seeds."""
    return families(normal, agents=15, seeds=5, unequal=False, repetitions=150)


def test_among_equal_agents_a_difference_is_shown_in_at_most_5_of_100_families(equal: list[list[Verdict]]) -> None:
    """Above 5 % by an exact binomial test at 1 %, which is the rate of false alarms of each of three tests."""
    assert not above_level(false_alarms(equal), 150)
    for agents in (2, 8):
        made = families(normal, agents=agents, seeds=5, unequal=True, repetitions=150)
        assert not above_level(false_alarms(made), 150)


def test_with_the_best_of_the_data_against_the_others_it_is_shown_far_more_often(equal: list[list[Verdict]]) -> None:
    assert above_level(false_alarms_against_the_best(equal), 150)


def test_the_bound_is_the_exact_one() -> None:
    """P(X ≥ 15) is .0085 and P(X ≥ 14) is .019 for 150 families at 5 %."""
    assert [above_level(count, 150) for count in (8, 14, 15)] == [False, False, True]


def test_scores_have_the_same_mean_and_the_variances_that_are_asked_for() -> None:
    """Within five standard errors of 20,000 draws."""
    for draw, deviation in ((normal, 1.0), (skewed, np.sqrt(16 / 1100))):
        scores = draw(np.random.default_rng(0), 2, 10_000)
        assert scores.mean() == pytest.approx(0, abs=5 * deviation / np.sqrt(20_000))
        assert scores.std() == pytest.approx(deviation, rel=0.05)
    made = families(normal, agents=2, seeds=1000, unequal=True, repetitions=1)
    half = made[0][0].result.difference.half_width
    assert half == pytest.approx(1.96 * np.sqrt((1 + 8**2) / 1000), rel=0.1)


@pytest.mark.parametrize(("agents", "part"), [(2, 0.99), (2, 1.01), (10, 0.99), (10, 1.01)])
def test_a_difference_that_is_hidden_is_not_shown(agents: int, part: float) -> None:
    """One agent is ahead of others that are equal, by a part of the hidden difference, paired."""
    noise = np.array([-1.0, -1, 0, 1, 1])
    noise /= noise.std(ddof=1)
    scores = {str(k): dict(enumerate([0.0] * 5)) for k in range(agents - 1)}
    ahead = dict(enumerate((part * hidden_difference(agents, 5) + noise).tolist()))
    (shown, *_) = [one for one in compare_pairs({"point": {**scores, "ahead": ahead}}) if one.more == "ahead"]
    assert (shown.result.p * agents * (agents - 1) / 2 < 0.05) == (part > 1)
    assert shown.decided == (part > 1)
