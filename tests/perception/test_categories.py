import numpy as np

from preroll.perception.categories import out_of_fold_probabilities


def test_categories_that_show_different_things_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    category = np.repeat(np.arange(3, dtype=np.int16), 20)
    importance = (np.eye(3)[category] * 0.8 + rng.random((60, 3)) * 0.1).astype(np.float32)
    probabilities = out_of_fold_probabilities(importance, category, 3)
    assert probabilities is not None
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)
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
