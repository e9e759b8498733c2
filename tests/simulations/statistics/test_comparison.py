import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from preroll.simulations.statistics.comparison import NO_DIFFERENCE, Verdict, against_the_best
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
    assert paired(np.ones(3), np.ones(3)).variance_reduction == 1.0  # nothing varies: nothing to gain
    assert paired(np.full(3, 2.0), np.ones(3)).variance_reduction == 1.0
    assert paired(a, a).variance_reduction == np.inf
    assert paired(a + 1e6, a).difference.value == pytest.approx(1e6)
    nearly = a * (1 + 1e-9)
    assert paired(a, nearly).p == pytest.approx(stats.ttest_rel(a, nearly).pvalue)
    assert paired(a / 8, a / 8).variance_reduction == np.inf  # however little varies
    assert (paired(a, a).p, paired(a, a).difference.half_width) == (1.0, 0.0)
    assert (paired(0 * a, 0 * a).p, paired(0 * a, 0 * a).variance_reduction) == (1.0, 1.0)
    assert (paired(a + 0.1, a).p, paired(a + 0.1, a).variance_reduction) == (0.0, np.inf)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize(("part", "same"), [(0.7, True), (1.4, False)])
def test_less_than_1e_12_of_the_largest_value_is_no_difference(scale: float, part: float, same: bool) -> None:
    """Whichever agent has the largest value; the deviation of the noise is the part of the limit."""
    one, noise = scale * np.array([1.0, 0.5, 0.0]), part * 1e-12 * scale * np.array([1.0, -1, 0])
    for sign in (1, -1):
        for shift in (0.5, 0.0):  # the others are half as large, or as large
            other = one - shift * scale + noise
            for first, second in ((one, other), (other, one)):
                told = paired(sign * first, sign * second)
                assert (told.difference.half_width == 0) == same
    level = np.full(3, scale)
    assert paired(level, level * (1 - part * 1e-12)).p == (1.0 if same else 0.0)


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


def test_holm_corrects_over_all_agents_and_tasks_of_one_comparison() -> None:
    """Four verdicts by Student's t: 2.63 has p = .03 alone, and twice that as the second least of four; 1.4 has .2."""
    users, noise = np.arange(9.0), np.array([-4.0, 3, -2, 1, 0, -1, 2, -3, 4]) / np.sqrt(7.5)  # mean 0, deviation 1
    scores = {
        f"task {k}": {"best": by_seed(users), "near": by_seed(users - t / 3 - noise), "far": by_seed(users - 9 - noise)}
        for k, t in enumerate((2.63, 1.4))
    }
    verdicts = against_the_best(scores)
    alone = np.array([verdict.result.p for verdict in verdicts])
    assert [(verdict.task, verdict.best, verdict.agent) for verdict in verdicts] == [
        (task, "best", agent) for task in ("task 0", "task 1") for agent in ("near", "far")
    ]
    assert [verdict.p for verdict in verdicts] == pytest.approx(adjusted_by_the_book(alone), rel=1e-12)
    changed = [verdict for verdict in verdicts if verdict.result.p < 0.05 <= verdict.p]
    assert len(changed) == 1
    assert changed[0].words == NO_DIFFERENCE
    assert [verdict.words for verdict in verdicts if verdict.agent == "far"] == ["best earns more"] * 2


def adjusted_by_the_book(p: NDArray[np.float64]) -> list[float]:
    """Holm's step-down: the largest of (k − j) · p(j) over all that are not larger."""
    raised = {rank: (len(p) - rank) * value for rank, value in enumerate(sorted(p))}
    return [min(1.0, max(raised[rank] for rank in range(sorted(p).index(value) + 1))) for value in p]


@pytest.mark.parametrize("seed", range(20))
def test_holm_is_the_step_down_of_the_book(seed: int) -> None:
    p = np.random.default_rng(seed).random(1 + seed % 6) ** 3
    np.testing.assert_allclose(holm(p), adjusted_by_the_book(p), rtol=1e-12)


def test_the_best_has_the_largest_mean_and_candidates_alone_are_compared() -> None:
    scores = {"point": {"a": by_seed(np.array([1.0, 9.0])), "b": by_seed(np.array([2.0, 4.0])), "c": {0: 99.0}}}
    (verdict,) = against_the_best(scores)
    assert (verdict.task, verdict.best, verdict.agent) == ("point", "a", "b")
    assert verdict.result.difference.value == 2.0
    assert against_the_best(scores, candidates=["b", "c"]) == []
    more = {"point": {**scores["point"], "e": by_seed(np.array([4.0, 4.0, 4.0]))}}  # the largest sum, not mean
    assert {one.best for one in against_the_best(more)} == {"a"}
    scores["point"]["d"] = by_seed(np.array([0.0, 1.0]))
    assert [one.agent for one in against_the_best(scores, candidates=["b", "d"])] == ["d"]
    both = against_the_best({"one": scores["point"], "none": {}, "two": scores["point"]})
    assert [one.task for one in both] == ["one", "one", "two", "two"]


def test_a_verdict_needs_a_p_value_below_5_percent() -> None:
    result = paired([1.0, 2.0], [0.0, 0.0])
    told = [Verdict("point", "a", "b", result, p).words for p in (0.049, 0.051)]
    assert told == ["a earns more", NO_DIFFERENCE]


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
