import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr
from sklearn.metrics import f1_score, roc_auc_score

from preroll.errors import PrerollError
from preroll.perception.prediction.metrics import regression

RNG = np.random.default_rng(3)
TRUE = np.round(RNG.random(50), 1)
GUESS = TRUE + RNG.normal(0, 0.3, 50).round(1)


def test_ranks_spearman_auc_and_f1_are_those_of_scipy_and_scikit_learn() -> None:
    np.testing.assert_array_equal(regression.ranks(TRUE), rankdata(TRUE))
    assert regression.spearman(GUESS, TRUE) == pytest.approx(spearmanr(GUESS, TRUE).statistic)
    assert regression.roc_auc(GUESS, TRUE > 0.5) == pytest.approx(roc_auc_score(TRUE > 0.5, GUESS))
    assert regression.f1(GUESS > 0.5, TRUE > 0.5) == pytest.approx(f1_score(TRUE > 0.5, GUESS > 0.5))


def test_what_is_not_defined_is_nan() -> None:
    assert np.isnan(regression.spearman(np.ones(5), np.arange(5.0)))
    assert np.isnan(regression.roc_auc(np.arange(5.0), np.ones(5, np.bool_)))
    assert np.isnan(regression.f1(np.zeros(3, np.bool_), np.zeros(3, np.bool_)))


def test_the_interval_holds_the_estimate_and_is_wider_over_few_movies() -> None:
    movies = np.arange(50) // 10
    wide = regression.spearman_interval(GUESS, TRUE, movies)
    assert wide[0] < regression.spearman(GUESS, TRUE) < wide[1]
    alone = regression.spearman_interval(GUESS, TRUE, np.arange(50))
    assert -1 <= alone[0] < alone[1] <= 1
    assert regression.spearman_interval(GUESS, TRUE, movies) == wide


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
