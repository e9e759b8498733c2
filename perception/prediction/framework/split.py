"""Which videos train, which choose, and which measure: apart by movie, and asserted to be so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.prediction.framework.first_few import first_few

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Rows of a data set, each part int64 and rising.

    Attributes:
        train: the models learn from these.
        validation: epochs, thresholds and temperatures are chosen on these.
        test: nothing is chosen on these; what is reported is measured on them. Empty where the data has two parts.
    """

    train: Rows
    validation: Rows
    test: Rows

    @property
    def held_out(self) -> Rows:
        """The rows that are reported on: the test's, or the validation's where there is no test."""
        return self.test if len(self.test) else self.validation

    def parts(self) -> dict[str, Rows]:
        """The parts by name, without an empty test."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return named if len(self.test) else {name: named[name] for name in ("train", "validation")}


def by_movie(movies: Sequence[str], *, validation: float, test: float, seed: int) -> Split:
    """Splits movies, not their clips or patches, at random.

    Args:
        movies: the movie of each row.
        validation: share of the movies.
        test: share of the movies.
        seed: of the shuffle.

    Raises:
        PrerollError: a part would be empty.
    """
    names = sorted(set(movies))
    order = np.random.default_rng(seed).permutation(len(names))
    cuts = np.round(np.cumsum([test, validation]) * len(names)).astype(int)
    place = {names[j]: int(np.searchsorted(cuts, i, "right")) for i, j in enumerate(order)}
    rows = np.array([place[movie] for movie in movies])
    split = Split(*(np.flatnonzero(rows == part) for part in (2, 1, 0)))
    check_split(movies, split, tested=test > 0)
    return split


def by_lists(movies: Sequence[str], ids: Sequence[str], lists: Mapping[str, Sequence[str]]) -> Split:
    """The split that lists of ids say; ids in no list are left out.

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
                raise PrerollError(f"split {part}: id {name!r} stands in {seen[name]} too")
            seen[name] = part
        parts[part] = np.sort(np.array([row_of[name] for name in names], np.int64))
    split = Split(parts["train"], parts["validation"], parts.get("test", np.zeros(0, np.int64)))
    check_split(movies, split, tested="test" in lists)
    return split


def check_split(movies: Sequence[str], split: Split, *, tested: bool = False) -> None:
    """Makes sure that no part is empty and that no movie has clips or patches in two parts.

    A model recognises the movie that it was trained on, whatever patch of it is shown: scores of such a split say
    nothing about new movies.

    Raises:
        PrerollError: naming the part, or the movie and its two parts.
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
    """Makes sure that a model is not measured on movies that it was trained on.

    Raises:
        PrerollError: naming the first such movie.
    """
    if both := sorted(set(movies) & set(trained)):
        raise PrerollError(f"{len(both)} of these movies are in the training of this model: a leak: {first_few(both)}")


def movie_folds(movies: Sequence[str], folds: int, seed: int) -> list[tuple[Rows, Rows]]:
    """Cross-validation by movie: (training rows, test rows) of each fold, every row tested once.

    Raises:
        PrerollError: fewer movies than folds.
    """
    from sklearn.model_selection import GroupKFold

    if len(set(movies)) < folds:
        raise PrerollError(f"split: {len(set(movies))} movies are too few for {folds} folds")
    splits = GroupKFold(folds, shuffle=True, random_state=seed).split(np.zeros(len(movies)), groups=list(movies))
    return [(np.asarray(train, np.int64), np.asarray(test, np.int64)) for train, test in splits]
