import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_recall_fscore_support

from preroll.perception.prediction.metrics.thresholds import best_thresholds, class_scores

TARGETS = np.random.default_rng(0).random((60, 8)) < 0.3
TARGETS[:, 3] = False
SCORES = np.clip(0.5 * TARGETS + 0.7 * np.random.default_rng(1).random(TARGETS.shape), 0, 1)
KNOWN = TARGETS.any(0)


def test_precision_recall_and_ap_are_scikit_learns() -> None:
    ours = class_scores(SCORES, TARGETS)
    precision, recall, _, support = precision_recall_fscore_support(TARGETS, SCORES >= 0.5, zero_division=0)
    np.testing.assert_allclose(ours.precision[KNOWN], precision[KNOWN])
    np.testing.assert_allclose(ours.recall[KNOWN], recall[KNOWN])
    np.testing.assert_array_equal(ours.support, support)
    assert ours.macro()[2] == pytest.approx(
        average_precision_score(TARGETS[:, KNOWN], SCORES[:, KNOWN], average="macro")
    )
    assert ours.weighted()[2] == pytest.approx(
        average_precision_score(TARGETS[:, KNOWN], SCORES[:, KNOWN], average="weighted")
    )
    micro = precision_recall_fscore_support(TARGETS, SCORES >= 0.5, average="micro")[:2]
    np.testing.assert_allclose(ours.micro, (*micro, average_precision_score(TARGETS.ravel(), SCORES.ravel())))


def test_a_genre_without_positives_is_nan_and_no_part_of_the_means() -> None:
    ours = class_scores(SCORES, TARGETS)
    assert np.isnan([ours.precision[3], ours.recall[3], ours.average_precision[3]]).all()
    assert ours.macro()[0] == pytest.approx(np.nanmean(ours.precision))
    assert ours.weighted()[1] == pytest.approx(np.average(ours.recall[KNOWN], weights=ours.support[KNOWN]))


def test_a_genre_that_is_never_said_has_precision_0() -> None:
    assert class_scores(np.zeros((3, 1)), np.array([[True], [False], [True]])).precision[0] == 0


def test_no_other_threshold_has_a_larger_f1() -> None:
    chosen = best_thresholds(SCORES, TARGETS)
    for k in np.flatnonzero(KNOWN):
        ours = f1_score(TARGETS[:, k], SCORES[:, k] >= chosen[k])
        others = [f1_score(TARGETS[:, k], SCORES[:, k] >= threshold) for threshold in SCORES[:, k]]
        assert ours == pytest.approx(max(others))
    assert chosen[3] == 0.5
