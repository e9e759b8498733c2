import numpy as np
from scipy.stats import binom

from preroll.agents.selection import maximizers, pick_best, sample_actions
from preroll.envs.policies.simple import uniform_over_best


def test_scores_that_differ_by_rounding_are_ties() -> None:
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
