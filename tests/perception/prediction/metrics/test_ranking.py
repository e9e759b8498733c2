import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, label_ranking_average_precision_score

from preroll.perception.prediction.metrics import ranking
from preroll.perception.prediction.metrics.average_precision import average_precision, macro_average_precision

Case = tuple[NDArray[np.float64], NDArray[np.bool_]]


def random_case(seed: int, *, ties: bool = False, n: int = 40, k: int = 30) -> Case:
    """Scores and labels, with a video without labels and classes without positives."""
    rng = np.random.default_rng(seed)
    targets = rng.random((n, k)) < 0.08
    targets[3], targets[:, 5] = False, False
    scores = rng.random((n, k)) + targets * rng.random((n, k))
    return (np.round(scores, 1) if ties else scores), targets


def plain_gap(scores: NDArray[np.float64], targets: NDArray[np.bool_], k: int, *, lucky: int = 0) -> float:
    """GAP@k, written as its definition says; ``lucky`` 1 and −1 put right and wrong pairs first among equals."""
    pairs = []
    for line, true in zip(scores.tolist(), targets.tolist(), strict=True):
        best = sorted(range(len(line)), key=lambda c: (-line[c], -lucky * true[c], c))[:k]
        pairs += [(line[c], true[c]) for c in best]
    pairs.sort(key=lambda pair: (-pair[0], -lucky * pair[1]))
    right, total = 0, 0.0
    for i, (_, hit) in enumerate(pairs, start=1):
        right += hit
        total += hit * right / i
    return total / int(targets.sum())


@pytest.mark.parametrize("seed", range(5))
def test_gap_is_the_pooled_average_precision_over_all_labels(seed: int) -> None:
    scores, targets = random_case(seed)
    for k in (1, 5, 20, 100):
        assert ranking.global_average_precision(scores, targets, k) == pytest.approx(plain_gap(scores, targets, k))


@pytest.mark.parametrize("seed", range(5))
def test_gap_of_equal_scores_lies_between_the_luckiest_order_and_the_unluckiest(seed: int) -> None:
    scores, targets = random_case(seed, ties=True)
    low, high = (plain_gap(scores, targets, 5, lucky=lucky) for lucky in (-1, 1))
    assert low < high
    assert low <= ranking.global_average_precision(scores, targets, 5) <= high


def test_gap_counts_labels_that_no_list_holds() -> None:
    scores = np.array([[0.9, 0.8, 0.1]])
    assert ranking.global_average_precision(scores, np.array([[True, False, True]]), 1) == 0.5


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ties", [False, True])
def test_hits_perr_and_reciprocal_ranks_are_what_plain_loops_give(seed: int, ties: bool) -> None:
    scores, targets = random_case(seed, ties=ties)
    hits: dict[int, list[bool]] = {k: [] for k in (1, 5, 20)}
    perr, reciprocal = [], []
    for line, true in zip(scores.tolist(), targets.tolist(), strict=True):
        order = sorted(range(len(line)), key=lambda c: (-line[c], c))
        m = sum(true)
        if not m:
            continue
        for k, found in hits.items():
            found.append(any(true[c] for c in order[:k]))
        perr.append(sum(true[c] for c in order[:m]) / m)
        reciprocal.append(sum(1 / (1 + order.index(c)) for c in range(len(line)) if true[c]) / m)
    for k, found in hits.items():
        assert ranking.hit_at(scores, targets, k) == pytest.approx(np.mean(found))
    assert ranking.precision_at_equal_recall(scores, targets) == pytest.approx(np.mean(perr))
    assert ranking.mean_reciprocal_rank_of_labels(scores, targets) == pytest.approx(np.mean(reciprocal))


def test_the_mean_reciprocal_rank_of_labels_is_not_gap() -> None:
    """Perfect scores: GAP is 1, but the second label of a video stands at rank 2."""
    targets = np.array([[True, True, False], [True, False, False]])
    scores = targets * np.array([[0.9, 0.8, 0.1], [0.9, 0.8, 0.1]])
    assert ranking.global_average_precision(scores, targets) == 1
    assert ranking.mean_reciprocal_rank_of_labels(scores, targets) == pytest.approx((0.75 + 1) / 2)


@pytest.mark.parametrize("ties", [False, True])
def test_label_ranking_ap_is_scikit_learns(ties: bool) -> None:
    scores, targets = random_case(7, ties=ties)
    known = targets.any(1)
    expected = label_ranking_average_precision_score(targets[known], scores[known])
    assert ranking.label_ranking_average_precision(scores, targets) == pytest.approx(expected)


@pytest.mark.parametrize("ties", [False, True])
def test_average_precision_is_scikit_learns_and_empty_classes_are_left_out(ties: bool) -> None:
    scores, targets = random_case(8, ties=ties)
    macro = macro_average_precision(scores, targets)
    known = np.flatnonzero(targets.any(0))
    expected = [average_precision_score(targets[:, k], scores[:, k]) for k in known]
    np.testing.assert_allclose(macro.by_class[known], expected)
    assert macro.mean == pytest.approx(np.mean(expected))
    assert (macro.classes, macro.left_out) == (len(known), 30 - len(known))
    assert np.isnan(macro.by_class[5])
    assert np.isnan(average_precision(scores[:, 5], targets[:, 5]))


def test_nothing_positive_gives_nan_and_no_warning() -> None:
    scores, targets = np.zeros((2, 3)), np.zeros((2, 3), np.bool_)
    for metric in (
        ranking.global_average_precision,
        ranking.precision_at_equal_recall,
        ranking.label_ranking_average_precision,
        ranking.mean_reciprocal_rank_of_labels,
    ):
        assert np.isnan(metric(scores, targets))
    assert np.isnan(ranking.hit_at(scores, targets, 1))
    assert np.isnan(macro_average_precision(scores, targets).mean)
