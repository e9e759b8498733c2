import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.prediction.framework.split import (
    Split,
    by_lists,
    by_movie,
    check_split,
    check_unseen,
    copy_notes,
    movie_folds,
)
from preroll.perception.prediction.genres.data import movies_of

MOVIES = [f"m{i // 3}" for i in range(60)]
IDS = [f"m{i // 3}_{i % 3}" for i in range(60)]


def rows(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64)


@pytest.mark.parametrize("seed", range(20))
def test_no_movie_is_in_two_parts_and_every_row_is_in_one(seed: int) -> None:
    split = by_movie(MOVIES, validation=0.15, test=0.25, seed=seed)
    parts = [{MOVIES[row] for row in part} for part in (split.train, split.validation, split.test)]
    assert [len(part) for part in parts] == [12, 3, 5]
    assert sorted(np.concatenate((split.train, split.validation, split.test))) == list(range(60))


def test_a_patch_of_a_training_movie_in_the_test_is_an_error() -> None:
    with pytest.raises(PrerollError, match="movie 'm0' is in train and in test"):
        check_split(MOVIES, Split(rows(0, 3), rows(6), rows(1, 9)))
    lists = {"train": ["m0_0", "m1_0"], "validation": ["m2_0"], "test": ["m1_2"]}
    with pytest.raises(PrerollError, match="movie 'm1' is in train and in test"):
        by_lists(MOVIES, IDS, lists)


def test_ids_of_a_list_must_be_known_and_in_one_list() -> None:
    with pytest.raises(PrerollError, match="id 'x' is not in the data"):
        by_lists(MOVIES, IDS, {"train": ["x"], "validation": ["m1_0"]})
    with pytest.raises(PrerollError, match="is in train too"):
        by_lists(MOVIES, IDS, {"train": ["m1_0"], "validation": ["m1_0"]})


def test_an_empty_part_is_an_error() -> None:
    with pytest.raises(PrerollError, match="validation is empty"):
        by_movie(["a", "b", "c"], validation=0.1, test=0.3, seed=0)


def test_a_model_is_not_measured_on_what_it_was_trained_on() -> None:
    check_unseen(["a"], ["b"])
    with pytest.raises(PrerollError, match="a leak"):
        check_unseen(["a", "c"], ["b", "c"])


def test_folds_keep_movies_together_and_test_every_row_once() -> None:
    folds = movie_folds(MOVIES, 5, 0)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(60))
    for train, test in folds:
        assert not {MOVIES[row] for row in train} & {MOVIES[row] for row in test}
    with pytest.raises(PrerollError, match="2 movies are too few for 5 folds"):
        movie_folds(["a", "b"], 5, 0)


def test_the_movie_of_an_id_is_the_patterns_first_group() -> None:
    assert movies_of(["tt1_0", "tt1"], r"(.*?)(?:_\d+)?") == ("tt1", "tt1")
    assert movies_of(["tt1_0"], "") == ("tt1_0",)
    for pattern, message in (
        (r"x(\d)", "does not match"),
        ("a.*", "must have a group"),
        ("(", "no regular expression"),
    ):
        with pytest.raises(PrerollError, match=message):
            movies_of(["tt1"], pattern)


def test_a_copy_in_the_training_is_told() -> None:
    vectors = np.array([[1.0, 2], [3, 1], [1, 2.001]])
    (note,) = copy_notes(vectors, ["a", "b", "c"], [(rows(0, 1), rows(2))])
    assert note == "1 measured rows nearly equal one of the training, such as c and a: copies leak."
    assert copy_notes(vectors, ["a", "b", "c"], [(rows(1), rows(0, 2))]) == ()
