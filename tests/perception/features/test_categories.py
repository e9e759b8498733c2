import numpy as np
import pytest

from preroll.perception.features.categories import CLASSIFIERS, Classifier, out_of_fold_probabilities


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_categories_that_show_different_things_are_told_apart(classifier: Classifier) -> None:
    rng = np.random.default_rng(0)
    category = np.repeat(np.arange(3, dtype=np.int16), 20)
    importance = (np.eye(3)[category] * 0.8 + rng.random((60, 3)) * 0.1).astype(np.float32)
    probabilities = out_of_fold_probabilities(importance, category, 3, classifier=classifier)
    assert probabilities is not None
    again = out_of_fold_probabilities(importance, category, 3, classifier=classifier)
    np.testing.assert_array_equal(probabilities, again)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)
    assert (probabilities.argmax(1) == category).all()


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_four_videos_per_category_teach_something(classifier: Classifier) -> None:
    category = np.repeat(np.arange(3, dtype=np.int16), 4)
    probabilities = out_of_fold_probabilities(np.eye(3, dtype=np.float32)[category], category, 3, classifier=classifier)
    assert probabilities is not None
    assert (probabilities.argmax(1) == category).all()


def test_a_video_is_never_judged_by_a_model_that_saw_it() -> None:
    # One video of category 0 shows what only it shows. A model that saw it would know; one that did not cannot.
    category = np.repeat(np.arange(2, dtype=np.int16), 10)
    importance = np.zeros((20, 3), np.float32)
    importance[:10, 0] = importance[10:, 1] = 1
    importance[0] = (0, 0, 1)
    without = out_of_fold_probabilities(importance, category, 2)
    assert without is not None
    assert without[1, 0] > 0.9
    assert without[0, 0] < 0.75


def test_a_category_of_one_video_gets_no_prediction() -> None:
    importance = np.random.default_rng(0).random((5, 2)).astype(np.float32)
    assert out_of_fold_probabilities(importance, np.array([0, 0, 0, 0, 1], np.int16), 2) is None


def test_a_single_category_is_certain() -> None:
    probabilities = out_of_fold_probabilities(np.ones((4, 2), np.float32), np.zeros(4, np.int16), 1)
    assert probabilities is not None
    assert probabilities.tolist() == [[1], [1], [1], [1]]


def test_two_videos_in_the_smallest_category_are_enough() -> None:
    importance = np.random.default_rng(0).random((6, 2)).astype(np.float32)
    assert out_of_fold_probabilities(importance, np.array([0, 0, 0, 0, 1, 1], np.int16), 2) is not None


def test_videos_of_other_splits_teach_nothing() -> None:
    category = np.repeat(np.arange(2, dtype=np.int16), 10)
    importance = np.eye(2, dtype=np.float32)[category]
    train = np.ones(20, np.bool_)
    train[[8, 9, 18, 19]] = False
    # The videos that are not learned from show the other category's objects: that must change nothing for the rest.
    importance[~train] = importance[~train][:, ::-1]
    with_split = out_of_fold_probabilities(importance, category, 2, train=train)
    alone = out_of_fold_probabilities(importance[train], category[train], 2)
    assert with_split is not None
    assert alone is not None
    np.testing.assert_array_equal(with_split[train], alone)
    assert (with_split[~train].argmax(1) != category[~train]).all()


def test_a_category_without_two_videos_to_learn_from_gets_no_prediction() -> None:
    importance = np.random.default_rng(0).random((6, 2)).astype(np.float32)
    category = np.array([0, 0, 0, 1, 1, 1], np.int16)
    train = np.array([1, 1, 1, 1, 0, 0], np.bool_)
    assert out_of_fold_probabilities(importance, category, 2, train=train) is None


def test_small_numbers_tell_as_much_as_large_ones() -> None:
    rng = np.random.default_rng(0)
    category = np.repeat(np.arange(2, dtype=np.int16), 10)
    importance = (np.eye(2)[category] * 0.5 + rng.random((20, 2)) * 0.25).astype(np.float32)
    usual = out_of_fold_probabilities(importance, category, 2)
    small = out_of_fold_probabilities(importance / np.float32(64), category, 2)
    assert usual is not None
    np.testing.assert_array_equal(usual, small)
