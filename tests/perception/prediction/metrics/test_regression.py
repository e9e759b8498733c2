import itertools

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr
from sklearn.metrics import f1_score, roc_auc_score

from preroll.errors import PrerollError
from preroll.perception.prediction.metrics import regression

TRUE = np.round(np.random.default_rng(3).random(50), 1)
GUESS = TRUE + np.random.default_rng(4).normal(0, 0.3, 50).round(1)


def test_ranks_spearman_auc_and_f1_are_those_of_scipy_and_scikit_learn() -> None:
    np.testing.assert_array_equal(regression.ranks(TRUE), rankdata(TRUE))
    assert regression.spearman(GUESS, TRUE) == pytest.approx(spearmanr(GUESS, TRUE).statistic)
    assert regression.roc_auc(GUESS, TRUE > 0.5) == pytest.approx(roc_auc_score(TRUE > 0.5, GUESS))
    assert regression.f1(GUESS > 0.5, TRUE > 0.5) == pytest.approx(f1_score(TRUE > 0.5, GUESS > 0.5))


def test_what_is_not_defined_is_nan() -> None:
    assert np.isnan(regression.spearman(np.ones(5), np.arange(5.0)))
    assert np.isnan(regression.roc_auc(np.arange(5.0), np.ones(5, np.bool_)))
    assert np.isnan(regression.f1(np.zeros(3, np.bool_), np.zeros(3, np.bool_)))


def test_the_interval_is_that_of_all_ways_to_draw_the_movies() -> None:
    """Three movies of four, three and two clips can be drawn in 27 ways: the ends are their quantiles to within .011.

    That is three standard errors of a share of 20,000 draws, with a fixed seed.
    """
    true, guess, movies = TRUE[:9], GUESS[:9], np.array([7, 7, 7, 7, 3, 3, 3, 5, 5])
    drawn = [
        regression.spearman(*(np.concatenate([values[movies == movie] for movie in way]) for values in (guess, true)))
        for way in itertools.product((3, 5, 7), repeat=3)
    ]
    for level in (0.5, 0.8):
        low, high = regression.spearman_interval(guess, true, movies, level=level, draws=20_000)
        for end, part in ((low, (1 - level) / 2), (high, (1 + level) / 2)):
            least, most = np.quantile(drawn, [part - 0.011, part + 0.011], method="inverted_cdf")
            assert least - 1e-12 <= end <= most + 1e-12
            assert np.abs(np.array(drawn) - end).min() < 1e-12  # an end is one of the values


def test_the_interval_is_wider_where_the_clips_of_a_movie_resemble_each_other() -> None:
    """Each of ten movies five times: its clips tell no more than one of them, and the interval is √5 times as wide."""
    true, guess = TRUE[:10].repeat(5), GUESS[:10].repeat(5)
    ends = [regression.spearman_interval(guess, true, movies) for movies in (np.arange(50) // 5, np.arange(50))]
    wide, narrow = (high - low for low, high in ends)
    assert wide > 1.8 * narrow
    assert all(low < regression.spearman(guess, true) < high for low, high in ends)


def test_draws_are_those_of_their_seed() -> None:
    movies = np.arange(50) // 5
    first, again, other = (regression.spearman_interval(GUESS, TRUE, movies, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    n = np.full(50, 10)
    ceilings = [regression.noise_ceiling(TRUE, n, seed=seed, draws=20) for seed in (1, 1, 2)]
    assert ceilings[0] == ceilings[1] != ceilings[2]


def test_where_every_draw_is_constant_there_is_no_interval() -> None:
    assert np.isnan(regression.spearman_interval(np.ones(4), np.arange(4.0), np.arange(4))).all()


def test_the_noise_ceiling_is_what_the_true_probabilities_reach() -> None:
    """Known p ~ Beta(2.6, 2.2) and n around 10: about .82, as the estimate says without knowing p."""
    rng = np.random.default_rng(0)
    p, n = rng.beta(2.6, 2.2, 4000), rng.integers(8, 13, 4000)
    scores = rng.binomial(n, p) / n
    ceiling = regression.noise_ceiling(scores, n, draws=50)
    truth = regression.spearman(p, scores)
    assert ceiling.low - 0.01 < truth < ceiling.high + 0.01
    assert 0.78 < ceiling.spearman < 0.86


def test_more_annotators_and_a_wider_spread_lift_the_ceiling() -> None:
    rng = np.random.default_rng(1)
    p = rng.beta(3, 3, 600)
    few, many = (regression.noise_ceiling(rng.binomial(n, p) / n, np.full(600, n), draws=50).spearman for n in (5, 100))
    assert few < 0.8 < 0.95 < many
    # Standard deviations .1, .2 and .3, as the page tells them.
    for a, told in ((12.0, 0.53), (2.625, 0.80), (0.889, 0.92)):
        p = rng.beta(a, a, 20_000)
        ceiling = regression.noise_ceiling(rng.binomial(10, p) / 10, np.full(20_000, 10), draws=5)
        assert ceiling.spearman == pytest.approx(told, abs=0.02)


def test_scores_out_of_range_have_no_ceiling() -> None:
    with pytest.raises(PrerollError, match="scores in"):
        regression.noise_ceiling(np.array([0.1, 0.5, 1.2]), np.array([10, 10, 10]))
