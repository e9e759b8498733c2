import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from preroll.agents.selection import maximizers, pick_best, sample_actions, settle_ties
from preroll.envs.policies.simple import uniform_over_best


def test_scores_that_differ_by_rounding_are_ties() -> None:
    assert maximizers(np.array([[1.0, 1.0 - 1e-9, 1.0 - 2e-9]])).tolist() == [[True, True, False]]
    scores = np.array([[0.8, 0.8 - 1e-12, 0.7], [0.8, 0.8 - 1e-6, 0.7]])
    assert maximizers(scores).tolist() == [[True, True, False], [True, False, False]]
    assert uniform_over_best(scores).tolist() == [[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]


def test_ties_are_broken_evenly_and_losers_never_picked() -> None:
    picks = pick_best(np.tile([1.0, 0.0, 1.0, 1.0], (30_000, 1)), np.random.default_rng(0))
    counts = np.bincount(picks, minlength=4)
    assert counts[1] == 0
    low, high = binom.ppf([1e-6, 1 - 1e-6], 30_000, 1 / 3)  # false alarms: 6 in a million
    assert all(low <= counts[i] <= high for i in (0, 2, 3))


def test_without_a_tie_no_random_number_is_drawn() -> None:
    rng = np.random.default_rng(0)
    assert pick_best(np.array([[0.1, 0.2], [0.4, 0.3]]), rng).tolist() == [1, 0]
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state


def test_of_a_tie_the_largest_random_number_wins_and_only_tied_rows_draw() -> None:
    """The first of the best where there is one, whatever lies before or behind it."""
    scores = np.array([[1.0, 2, 0], [3, 3 - 1e-9, 3], [0, 0, 5], [-1, -2, -1], [4, 0, 0]])
    keys = np.random.default_rng(7).random((2, 3))
    expected = [1, int(keys[0].argmax()), 2, int(np.where([1, 0, 1], keys[1], -1).argmax()), 0]
    rng = np.random.default_rng(7)
    assert pick_best(scores, rng).tolist() == expected
    assert rng.random() == np.random.default_rng(7).random(7)[6]
    choice = np.full(5, -7)
    settle_ties(scores, choice, np.random.default_rng(7))
    assert choice.tolist() == [-7, expected[1], -7, expected[3], -7]


def test_a_draw_inverts_the_cumulative_sum_of_its_row() -> None:
    probabilities = np.array([[0.5, 0.25, 0.25], [0.0, 0.1, 0.3], [0.2, 0.0, 0.2]], np.float32)
    points = np.random.default_rng(3).random(3) * probabilities.sum(axis=1)
    sums = probabilities.astype(np.float64).cumsum(axis=1)
    expected = [[point < end for end in row].index(True) for point, row in zip(points, sums, strict=True)]
    assert sample_actions(probabilities, np.random.default_rng(3)).tolist() == expected


def test_draws_follow_the_probabilities_and_avoid_zeros() -> None:
    probabilities = np.array([0.0, 0.2, 0.0, 0.5, 0.3, 0.0])
    counts = np.bincount(sample_actions(np.tile(probabilities, (50_000, 1)), np.random.default_rng(1)), minlength=6)
    assert counts[[0, 2, 5]].sum() == 0
    for action in (1, 3, 4):
        low, high = binom.ppf([1e-6, 1 - 1e-6], 50_000, probabilities[action])  # false alarms: 6 in a million
        assert low <= counts[action] <= high


def test_float32_probabilities_that_miss_one_still_give_an_action() -> None:
    short = np.full((10_000, 3), np.float32(1 / 3) * np.float32(0.999))
    assert set(np.unique(sample_actions(short, np.random.default_rng(2)))) == {0, 1, 2}


def picked(scores: NDArray[np.float64]) -> list[set[int]]:
    """What is picked in each row, alone, with 50 seeds."""
    return [{int(pick_best(row, np.random.default_rng(seed))[0]) for seed in range(50)} for row in scores[:, None]]


@pytest.mark.parametrize("unit", [1e-300, 2.0**-20, 1.0, 1e6, 1e300])
def test_ties_are_shares_of_the_largest_magnitude_whatever_the_unit(unit: float) -> None:
    scores = np.array([[0.8, 0.8 - 1e-12, 0.7], [0.7, 0.8 - 1e-6, 0.8], [-2.0, 1e-12, 0.0], [0.0, 0.0, 0.0]]) * unit
    tied = [{0, 1}, {2}, {1, 2}, {0, 1, 2}]
    assert [set(np.flatnonzero(row)) for row in maximizers(scores)] == tied
    assert picked(scores) == tied


def test_an_infinite_score_ties_with_infinite_ones_alone() -> None:
    scores = np.array([[np.inf, 1.0, np.inf], [-np.inf, 1.0, 2.0], [-np.inf, 1.0, 1.0], [-np.inf] * 3])
    tied = [{0, 2}, {2}, {1, 2}, {0, 1, 2}]
    assert [set(np.flatnonzero(row)) for row in maximizers(scores)] == tied
    assert picked(scores) == tied
