"""Embeddings and genres of movies, joined by id and split by movie."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.prediction.formats.embeddings import manifest_of, read_embeddings
from preroll.perception.prediction.formats.id_tables import read_ids, read_labels
from preroll.perception.prediction.framework.bad_input import Skipping
from preroll.perception.prediction.framework.first_few import first_few
from preroll.perception.prediction.framework.settings import GenreData, GenreSplit
from preroll.perception.prediction.framework.split import Split, by_lists, by_movie


@dataclass(frozen=True)
class Movies:
    """Frame embeddings and genres of n videos.

    Attributes:
        ids: ids of the n videos.
        movies: movie of each video; several trailers or patches may belong to one movie.
        frames: n arrays, float [N, D] with varying N.
        targets: bool [n, G].
        names: names of the G genres.
        split: rows of training, validation and test, disjoint by movie.
    """

    ids: tuple[str, ...]
    movies: tuple[str, ...]
    frames: Sequence[NDArray[np.floating]]
    targets: NDArray[np.bool_]
    names: tuple[str, ...]
    split: Split


def read_movies(data: GenreData, split: GenreSplit, skipping: Skipping) -> Movies:
    """Reads and joins the ids, labels and embeddings of the settings, and splits them by movie.

    Args:
        data: locations of the files.
        split: lists or shares of the parts.
        skipping: policy for bad input.

    Raises:
        PrerollError: an input is bad and skipping is not allowed, or a part of the split is empty or leaks.
    """
    labels = read_labels(data.labels, skipping, data.genres)
    written = manifest_of(data.embeddings)
    ids, frames, targets = [], [], []
    for name in read_ids(data.ids, skipping):
        if name not in labels:
            skipping.bad(data.labels, f"id {name!r}", "has no labels")
            continue
        target = labels[name]
        if target is None:
            continue
        found = read_embeddings(data.embeddings / f"{name}.npy", data.width, skipping, written)
        if found is not None:
            ids.append(name)
            frames.append(found)
            targets.append(target)
    if not ids:
        raise PrerollError(f"{data.ids}: no id has both labels and embeddings")
    movies = movies_of(ids, data.movie)
    names = data.genres or tuple(f"genre {k + 1}" for k in range(len(targets[0])))
    return Movies(tuple(ids), movies, frames, np.stack(targets), names, _split(ids, movies, split, skipping))


def movies_of(ids: Sequence[str], pattern: str) -> tuple[str, ...]:
    """Returns the movie of each id: the first group of ``pattern``, or the id itself if the pattern is empty.

    Raises:
        PrerollError: the pattern is not a regular expression with a group, or does not match an id completely.
    """
    if not pattern:
        return tuple(ids)
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise PrerollError(f"data.movie: {pattern!r}: is no regular expression: {error}") from None
    if not expression.groups:
        raise PrerollError(f"data.movie: {pattern!r}: must have a group in parentheses, which is the movie")
    movies = []
    for name in ids:
        if (match := expression.fullmatch(name)) is None or not match[1]:
            raise PrerollError(f"data.movie: {pattern!r}: does not match the id {name!r}")
        movies.append(match[1])
    return tuple(movies)


def patch_notes(ids: Sequence[str], pattern: str) -> tuple[str, ...]:
    """Returns a warning if ids look like patches of movies but no pattern is given, so that the split may leak.

    >>> patch_notes(["heat_0", "heat_1", "ran_0", "ran_1"], "")[0]
    'Ids such as heat_0, heat_1, ran_0 and 1 more look like patches; if so, set data.movie, or the split leaks.'
    >>> patch_notes(["heat", "ran"], ""), patch_notes(["trailer_1", "trailer_2", "trailer_3"], "")
    ((), ())
    """
    stems = {re.sub(r"[_-]\d+$", "", name) for name in ids}
    if pattern or not 1 < len(stems) <= len(ids) / 2:
        return ()
    return (f"Ids such as {first_few(ids)} look like patches; if so, set data.movie, or the split leaks.",)


def _split(ids: Sequence[str], movies: Sequence[str], split: GenreSplit, skipping: Skipping) -> Split:
    if split.train is None or split.validation is None or split.test is None:
        return by_movie(movies, validation=split.validation_share, test=split.test_share, seed=split.seed)
    paths = {"train": split.train, "validation": split.validation, "test": split.test}
    known = set(ids)
    lists: dict[str, list[str]] = {}
    for part, path in paths.items():
        lists[part] = []
        for row, name in enumerate(read_ids(path, skipping), start=1):
            if name in known:
                lists[part].append(name)
            else:
                skipping.bad(path, f"row {row}", f"id {name!r} is not in the data")
    return by_lists(movies, ids, lists)
