import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from preroll.perception.features.categories import category_folds, out_of_fold_probabilities
from preroll.perception.features.folds import NEAR, near_copies, stratified_folds

#: Eight clips of two categories in turn, three pieces of each; every clip shows what no other shows.
CLIP = np.repeat(np.arange(8), 3)
CATEGORY = (CLIP % 2).astype(np.int16)
SHOWN = np.eye(8, dtype=np.float32)[CLIP]


@given(st.lists(st.integers(1, 6), min_size=4, max_size=12), st.integers(2, 5), st.integers(0, 99))
def test_no_group_is_on_both_sides_and_every_row_is_judged_once(sizes: list[int], most: int, seed: int) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    labels = groups % 2
    folds = stratified_folds(labels, 2, groups, most=most, seed=seed)
    assert folds is not None
    assert len(folds) == min(most, len(sizes) // 2)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(groups)))
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
        assert set(labels[train]) == set(labels[test]) == {0, 1}


def test_a_class_of_one_group_cannot_be_judged() -> None:
    assert stratified_folds(np.array([0, 0, 1, 1]), 2, np.array([0, 1, 2, 2])) is None
    assert stratified_folds(np.array([0, 0, 1, 1]), 2, np.zeros(4, np.int64)) is None


def test_groups_of_several_classes_stay_whole() -> None:
    folds = stratified_folds(np.tile([0, 1], 6), 2, np.repeat(np.arange(3), 4))
    assert folds is not None
    assert sorted(tuple(test) for _, test in folds) == [tuple(range(start, start + 4)) for start in (0, 4, 8)]


def test_pieces_of_clips_that_share_nothing_are_recognized_only_by_their_clip() -> None:
    apart = out_of_fold_probabilities(SHOWN, CATEGORY, 2)
    together = out_of_fold_probabilities(SHOWN, CATEGORY, 2, groups=CLIP)
    assert apart is not None
    assert together is not None
    assert (apart.argmax(1) == CATEGORY).all()
    np.testing.assert_allclose(together, 0.5, atol=0.1)


def test_a_piece_outside_the_training_is_judged_without_the_pieces_in_it() -> None:
    train = np.arange(24) % 3 != 0
    train[CLIP == 7] = False
    folds = category_folds(CATEGORY, 2, train=train, groups=CLIP)
    assert folds is not None
    assert sorted(np.concatenate([judged for _, judged in folds])) == list(range(24))
    for learned, judged in folds:
        assert train[learned].all()
        assert not set(CLIP[learned]) & set(CLIP[judged])
    assert folds[-1][1].tolist() == [21, 22, 23], "clip 7, of which no piece is learned from, is judged by all others"


def test_rows_nearly_equal_to_one_that_was_learned_from_are_found() -> None:
    close, far = 1 + 0.9 * NEAR, 1 + 1.1 * NEAR
    vectors = np.array([[3, 4], [3 * close, 4 * close], [3 * far, 4 * far], [0, 0], [0, 0], [4, 3], [3, 4]])
    learned, judged = np.array([0, 3]), np.array([1, 2, 4, 5, 6])
    assert near_copies(vectors, [(learned, judged)]).tolist() == [[1, 0], [6, 0]]
    assert near_copies(vectors, [(judged, learned)]).tolist() == [[0, 6]]
    assert near_copies(vectors, []).shape == (0, 2)
