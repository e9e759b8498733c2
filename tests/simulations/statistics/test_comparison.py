import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from preroll.simulations.statistics.comparison import NO_DIFFERENCE, against_the_best
from preroll.simulations.statistics.holm import holm
from preroll.simulations.statistics.paired import paired


def by_seed(values: NDArray[np.float64]) -> dict[int, float]:
    return dict(enumerate(values.tolist()))


def test_a_paired_comparison_is_that_of_scipy() -> None:
    generator = np.random.default_rng(1)
    users = generator.normal(size=12)
    a, b = users + generator.normal(0.1, 0.1, 12), users + generator.normal(0, 0.1, 12)
    result, theirs = paired(a, b), stats.ttest_rel(a, b)
    assert result.p == pytest.approx(theirs.pvalue, rel=1e-9)
    interval = theirs.confidence_interval(0.95)
    assert (result.difference.low, result.difference.high) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert result.variance_reduction == pytest.approx((a.var() + b.var()) / (a - b).var(), rel=1e-9)
    assert result.variance_reduction > 20


def test_the_same_difference_in_every_pair_needs_no_test() -> None:
    a = np.array([1.0, 2.0, 4.0])
    assert (paired(a, a).p, paired(a, a).difference.half_width) == (1.0, 0.0)
    assert paired(a + 0.1, a).p == 0.0
    assert paired(a + 0.1, a).variance_reduction == np.inf


def test_holm_is_as_in_his_paper_and_never_less_than_the_p_value() -> None:
    np.testing.assert_allclose(holm([0.01, 0.02, 0.03, 0.005]), [0.03, 0.04, 0.04, 0.02])
    p = np.random.default_rng(2).random(50)
    assert (holm(p) >= p).all()
    assert (holm(p) <= 1).all()
    assert holm([]).size == 0


def test_without_a_difference_the_words_say_so() -> None:
    generator = np.random.default_rng(3)
    users = generator.normal(10, 1, 8)
    scores = {
        "point": {
            "thompson": by_seed(users + generator.normal(0, 0.2, 8)),
            "linucb": by_seed(users + generator.normal(0, 0.2, 8)),
            "random": by_seed(users - 4 + generator.normal(0, 0.2, 8)),
        }
    }
    words = {verdict.agent: verdict.words for verdict in against_the_best(scores)}
    best = {"thompson", "linucb"} - set(words)
    assert words["random"] == f"{best.pop()} earns more"
    assert NO_DIFFERENCE in words.values()


def test_among_equal_agents_a_difference_is_found_in_at_most_5_of_100_families() -> None:
    """Ten equal agents, 300 families: more than 30 false findings have probability 1e-4 at 5 %.

    The best of ten is compared with nine others, so that a single test without correction would find far more.
    """
    generator = np.random.default_rng(4)
    corrected = uncorrected = 0
    for _ in range(300):
        scores = {"point": {str(k): by_seed(generator.normal(size=10)) for k in range(10)}}
        verdicts = against_the_best(scores, candidates=["0", "1"])
        corrected += any(verdict.words != NO_DIFFERENCE for verdict in verdicts)
        everyone = against_the_best(scores)
        uncorrected += any(verdict.result.p < 0.05 for verdict in everyone)
    assert corrected <= 30
    assert uncorrected > 100


def test_where_seeds_failed_pairs_are_of_the_same_seed() -> None:
    scores = {"point": {"a": {0: 1.0, 1: 5.0, 3: 9.0}, "b": {1: 4.0, 2: 7.0, 3: 8.0}}}
    (verdict,) = against_the_best(scores)
    assert verdict.best == "b"
    assert verdict.result.difference.value == -1.0
    assert verdict.result.difference.half_width == 0.0


def test_agents_with_fewer_than_two_seeds_in_common_are_not_compared() -> None:
    scores = {"point": {"a": {0: 1.0, 1: 2.0}, "b": {1: 1.0, 2: 2.0}, "c": {0: 5.0}}}
    assert against_the_best(scores) == []
