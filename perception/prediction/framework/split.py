"""Splits into training, validation and test rows, with checks that no movie is in two parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.features.folds import near_copies
from preroll.perception.prediction.framework.first_few import first_few

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Row indices of the parts of a data set, each int64 and in increasing order.

    Attributes:
        train: rows on which models are trained.
        validation: rows on which epochs, thresholds and temperatures are selected.
        test: rows on which the reported metrics are measured and nothing is selected; empty if the data has two parts.
    """

    train: Rows
    validation: Rows
    test: Rows

    @property
    def held_out(self) -> Rows:
        """Rows of the reported metrics: the test rows, or the validation rows if there is no test."""
        return self.test if len(self.test) else self.validation

    def parts(self) -> dict[str, Rows]:
        """Returns the rows of each part by name; an empty test part is left out."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return named if len(self.test) else {name: named[name] for name in ("train", "validation")}


def by_movie(movies: Sequence[str], *, validation: float, test: float, seed: int) -> Split:
    """Splits the rows at random by movie, so that clips or patches of one movie stay together.

    Args:
        movies: movie of each row.
        validation: share of the movies used for validation.
        test: share of the movies used for testing; may be 0.
        seed: seed of the shuffle.

    Raises:
        PrerollError: a part would be empty.
    """
    names = sorted(set(movies))
    order = np.random.default_rng(seed).permutation(len(names))
    # Shuffled movies are cut into test, validation and training, in this order: parts 0, 1 and 2.
    cuts = np.round(np.cumsum([test, validation]) * len(names)).astype(int)
    place = {names[j]: int(np.searchsorted(cuts, i, "right")) for i, j in enumerate(order)}
    rows = np.array([place[movie] for movie in movies])
    split = Split(*(np.flatnonzero(rows == part) for part in (2, 1, 0)))
    check_split(movies, split, tested=test > 0)
    return split


def by_lists(movies: Sequence[str], ids: Sequence[str], lists: Mapping[str, Sequence[str]]) -> Split:
    """Splits the rows by lists of ids; ids in no list are left out.

    Args:
        movies: movie of each row.
        ids: id of each row.
        lists: ids by part: ``train``, ``validation`` and optionally ``test``.

    Raises:
        PrerollError: an id is unknown or in two lists, a part is empty, or a movie is in two parts.
    """
    row_of = {name: row for row, name in enumerate(ids)}
    seen: dict[str, str] = {}
    parts: dict[str, Rows] = {}
    for part, names in lists.items():
        for name in names:
            if name not in row_of:
                raise PrerollError(f"split {part}: id {name!r} is not in the data")
            if name in seen:
                raise PrerollError(f"split {part}: id {name!r} is in {seen[name]} too")
            seen[name] = part
        parts[part] = np.sort(np.array([row_of[name] for name in names], np.int64))
    split = Split(parts["train"], parts["validation"], parts.get("test", np.zeros(0, np.int64)))
    check_split(movies, split, tested="test" in lists)
    return split


def check_split(movies: Sequence[str], split: Split, *, tested: bool = False) -> None:
    """Checks that no part is empty and that no movie has clips or patches in two parts.

    A model recognises a movie that it was trained on from any of its patches, so scores of a leaking split say nothing
    about new movies.

    Args:
        movies: movie of each row.
        split: the rows of each part.
        tested: whether the test part must not be empty.

    Raises:
        PrerollError: a part is empty or a movie is in two parts; the message names them.
    """
    home: dict[str, str] = {}
    for part, rows in {"train": split.train, "validation": split.validation, "test": split.test}.items():
        if not len(rows) and (part != "test" or tested):
            raise PrerollError(f"split: {part} is empty; {len(set(movies))} movies are too few for these shares")
        for row in rows:
            other = home.setdefault(movies[row], part)
            if other != part:
                raise PrerollError(f"split: movie {movies[row]!r} is in {other} and in {part}; a movie is in one part")


def check_unseen(movies: Sequence[str], trained: Sequence[str]) -> None:
    """Checks that a model is not evaluated on movies that it was trained on.

    Args:
        movies: movies (or ids) of the evaluation.
        trained: movies (or ids) of the training.

    Raises:
        PrerollError: the two overlap; the message names the first few movies.
    """
    if both := sorted(set(movies) & set(trained)):
        raise PrerollError(f"{len(both)} of these movies are in the training of this model: a leak: {first_few(both)}")


def movie_folds(movies: Sequence[str], folds: int, seed: int) -> list[tuple[Rows, Rows]]:
    """Returns the folds of a cross-validation by movie.

    Args:
        movies: movie of each row.
        folds: number of folds.
        seed: seed of the shuffle.

    Returns:
        Training rows and test rows of each fold, int64; every row is tested exactly once.

    Raises:
        PrerollError: there are fewer movies than folds.
    """
    from sklearn.model_selection import GroupKFold

    if len(set(movies)) < folds:
        raise PrerollError(f"split: {len(set(movies))} movies are too few for {folds} folds")
    splits = GroupKFold(folds, shuffle=True, random_state=seed).split(np.zeros(len(movies)), groups=list(movies))
    return [(np.asarray(train, np.int64), np.asarray(test, np.int64)) for train, test in splits]


def copy_notes(
    vectors: NDArray[np.floating], ids: Sequence[str], folds: Sequence[tuple[Rows, Rows]]
) -> tuple[str, ...]:
    """Returns a warning if rows are nearly identical to others that their model was trained or selected on.

    Args:
        vectors: [n, d], features of each row.
        ids: id of each row.
        folds: rows of the training, and rows that are measured.
    """
    pairs = near_copies(vectors, folds)
    if not len(pairs):
        return ()
    one, other = (ids[row] for row in pairs[0])
    return (f"{len(pairs)} measured rows nearly equal one of the training, such as {one} and {other}: copies leak.",)
