import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from preroll.simulations.statistics.comparison import NO_DIFFERENCE, Verdict, compare_pairs, undominated
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
    words = {frozenset((verdict.more, verdict.less)): verdict.words for verdict in compare_pairs(scores)}
    assert words == {
        frozenset(("thompson", "linucb")): NO_DIFFERENCE,
        frozenset(("thompson", "random")): "thompson earns more",
        frozenset(("linucb", "random")): "linucb earns more",
    }


def test_holm_corrects_over_all_pairs_of_a_task_and_beside_that_over_all_tasks() -> None:
    """Student's t of a and b is 2.5 and 1.4: p = .037, the largest of its task and the fifth of all six."""
    users, noise = np.arange(9.0), np.array([-4.0, 3, -2, 1, 0, -1, 2, -3, 4]) / np.sqrt(7.5)  # mean 0, deviation 1
    scores = {
        f"task {k}": {"a": by_seed(users), "b": by_seed(users - t / 3 - noise), "c": by_seed(users - 9 + noise)}
        for k, t in enumerate((2.5, 1.4))
    }
    verdicts = compare_pairs(scores)
    assert [(one.task, one.more, one.less) for one in verdicts] == [
        (task, *pair) for task in ("task 0", "task 1") for pair in (("a", "b"), ("a", "c"), ("b", "c"))
    ]
    alone = np.array([verdict.result.p for verdict in verdicts])
    by_task = [*adjusted_by_the_book(alone[:3]), *adjusted_by_the_book(alone[3:])]
    assert [verdict.p for verdict in verdicts] == pytest.approx(by_task, rel=1e-12)
    assert [verdict.p_overall for verdict in verdicts] == pytest.approx(adjusted_by_the_book(alone), rel=1e-12)
    assert [verdict.decided for verdict in verdicts] == [True, True, True, False, True, True]
    assert [verdict.decided_overall for verdict in verdicts] == [False, True, True, False, True, True]
    assert verdicts[3].words == NO_DIFFERENCE


def adjusted_by_the_book(p: NDArray[np.float64]) -> list[float]:
    """Holm's step-down: the largest of (k − j) · p(j) over all that are not larger."""
    raised = {rank: (len(p) - rank) * value for rank, value in enumerate(sorted(p))}
    return [min(1.0, max(raised[rank] for rank in range(sorted(p).index(value) + 1))) for value in p]


@pytest.mark.parametrize("seed", range(20))
def test_holm_is_the_step_down_of_the_book(seed: int) -> None:
    p = np.random.default_rng(seed).random(1 + seed % 6) ** 3
    np.testing.assert_allclose(holm(p), adjusted_by_the_book(p), rtol=1e-12)


def test_a_verdict_needs_a_p_value_below_5_percent() -> None:
    result = paired([1.0, 2.0], [0.0, 0.0])
    for p, words in ((0.049, "a earns more"), (0.051, NO_DIFFERENCE)):
        verdict = Verdict("point", "a", "b", result, p, 1 - p)
        assert (verdict.words, verdict.decided, verdict.decided_overall) == (words, p < 0.05, False)
        assert Verdict("point", "a", "b", result, 1.0, p).decided_overall == (p < 0.05)


@pytest.mark.parametrize("seed", range(30))
def test_no_interval_excludes_0_where_no_difference_is_shown(seed: int) -> None:
    """They are simultaneous: of 45 intervals of 95 % each about two would."""
    generator = np.random.default_rng(seed)
    scores = {str(k): by_seed(generator.normal(0.2 * (k == 0), 0.1, size=5)) for k in range(10)}
    verdicts = compare_pairs({"point": scores})
    for verdict in verdicts:
        assert verdict.result.difference.value >= 0
        assert verdict.decided or verdict.result.difference.low <= 0
    first = verdicts[0].result
    t = stats.ttest_rel(*(list(scores[name].values()) for name in (verdicts[0].more, verdicts[0].less)))
    assert first.difference.low == pytest.approx(t.confidence_interval(1 - 0.05 / 45).low, rel=1e-9)


def test_the_best_is_decided_where_one_agent_is_left_that_no_other_is_shown_to_earn_more_than() -> None:
    result = paired([1.0, 2.0], [0.0, 0.0])

    def verdict(more: str, less: str, p: float) -> Verdict:
        return Verdict("point", more, less, result, p, p)

    agents = ["a", "b", "c"]
    assert undominated(agents, []) == agents
    assert undominated(agents, [verdict("a", "b", 0.04), verdict("a", "c", 0.06), verdict("b", "c", 0.06)]) == [
        "a",
        "c",
    ]
    assert undominated(agents, [verdict("a", "b", 0.04), verdict("b", "c", 0.04)]) == ["a"]  # a > b > c, all at once
    assert undominated([*agents, "failed"], [verdict("a", "b", 0), verdict("a", "c", 0)]) == ["a", "failed"]
    circle = [verdict("a", "b", 0), verdict("b", "c", 0), verdict("c", "a", 0)]  # on different seeds
    assert undominated(agents, circle) == agents


def test_a_task_is_a_family_of_its_own() -> None:
    scores = {"a": by_seed(np.array([1.0, 9.0])), "b": by_seed(np.array([2.0, 4.0])), "c": {0: 99.0}}
    (alone,) = compare_pairs({"point": scores})
    assert (alone.task, alone.more, alone.less, alone.result.difference.value) == ("point", "a", "b", 2.0)
    assert alone.p == alone.p_overall == alone.result.p
    twice = compare_pairs({"one": scores, "none": {}, "two": scores})
    assert [(one.task, one.p, one.p_overall) for one in twice] == [
        (task, alone.p, min(2 * alone.p, 1)) for task in ("one", "two")
    ]
    assert compare_pairs({}) == []


def test_where_seeds_failed_pairs_are_of_the_same_seed() -> None:
    scores = {"point": {"a": {0: 1.0, 1: 5.0, 3: 9.0}, "b": {1: 4.0, 2: 7.0, 3: 8.0}}}
    (verdict,) = compare_pairs(scores)
    assert (verdict.more, verdict.less) == ("a", "b")  # over the seeds that both have; b has the larger mean of all
    assert verdict.result.difference.value == 1.0
    assert verdict.result.difference.half_width == 0.0


def test_agents_with_fewer_than_two_seeds_in_common_are_not_compared() -> None:
    scores = {"point": {"a": {0: 1.0, 1: 2.0}, "b": {1: 1.0, 2: 2.0}, "c": {0: 5.0}}}
    assert compare_pairs(scores) == []
