"""Tables of movie memorability: scores, captions, audio and C3D vectors, identified by sequence_name."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.prediction.formats.clip_table import ClipRow, read_rows
from preroll.perception.prediction.formats.numbers import LARGEST, finite_numbers, first_bad, number
from preroll.perception.prediction.framework.bad_input import Skipping

AUDIO_COLUMNS = tuple(str(i) for i in range(1, 1025))
C3D_COLUMNS = tuple(str(i) for i in range(4096))
_CLASS_NAMES = ("memorabable", "memorable")
#: A clip is memorable if its score is greater than this; a score of exactly 0.5 is not.
MEMORABLE_ABOVE = 0.5


@dataclass(frozen=True)
class GroundTruth:
    """Measured memorability of clips.

    Attributes:
        names: names of the n clips.
        movies: movie of each clip.
        scores: float64 [n] in [0, 1], share of annotators who remembered the clip.
        annotations: int64 [n], number of annotators of each clip.
        disagreeing: number of clips whose class in the file differs from (score > 0.5).
    """

    names: tuple[str, ...]
    movies: tuple[str, ...]
    scores: NDArray[np.float64]
    annotations: NDArray[np.int64]
    disagreeing: int

    @property
    def memorable(self) -> NDArray[np.bool_]:
        """Class of each clip, bool [n]: whether its score is greater than 0.5."""
        return self.scores > MEMORABLE_ABOVE


def read_ground_truth(path: Path, skipping: Skipping) -> GroundTruth:
    """Reads ``ground_truth.csv`` with the columns movie_name, sequence_name, nb_annotations and memorability_score.

    Args:
        path: the file; a class (``memorable`` or ``memorabable``) and other columns may exist.
        skipping: policy for bad rows.

    Raises:
        PrerollError: a column is missing, a row is bad and skipping is not allowed, or no row is left.
    """
    clips: list[tuple[str, str, float, int]] = []
    odd = 0
    columns = ("movie_name", "memorability_score", "nb_annotations")
    for row in read_rows(path, columns, skipping, optional=_CLASS_NAMES, more_columns=True):
        movie, score, annotations, *classes = row.fields
        if what := _bad_score(row):
            skipping.bad(path, row.where, what)
            continue
        clips.append((row.name, movie.strip(), float(score), int(float(annotations))))
        said = next((one for one in classes if one), None)
        odd += said is not None and number(said, np.float64) != (float(score) > MEMORABLE_ABOVE)
    if not clips:
        raise PrerollError(f"{path}: holds no usable clip")
    names, movies, scores, counts = zip(*clips, strict=True)
    return GroundTruth(names, movies, np.array(scores, np.float64), np.array(counts, np.int64), int(odd))


def _bad_score(row: ClipRow) -> str:
    """Returns what is wrong with a row of the ground truth, or an empty string."""
    movie, score, annotations, *_ = row.fields
    if not 0 <= number(score, np.float64) <= 1:
        return f"memorability_score {score!r} must lie in [0, 1]"
    if not (number(annotations, np.float64) >= 1 and number(annotations, np.float64).is_integer()):
        return f"nb_annotations {annotations!r} must be a whole number, at least 1"
    return "" if movie.strip() else "movie_name is empty"


def read_captions(path: Path, skipping: Skipping) -> dict[str, str]:
    """Reads ``caption_features.csv`` (sequence_name, cc) as one text per clip, with repetitions removed.

    In the published file each paragraph is repeated ten times without a separator, which would join the last word of
    one repetition to the first word of the next.
    """
    captions = {}
    for row in read_rows(path, ("cc",), skipping, more_columns=True):
        if row.fields[0].strip():
            captions[row.name] = said_once(row.fields[0])
        else:
            skipping.bad(path, row.where, "has no caption")
    return captions


def said_once(text: str) -> str:
    """Returns the shortest text of which ``text`` is a whole number of repetitions; ``text`` itself if there is none.

    >>> said_once("a man runs. a man runs. ")
    'a man runs. '
    """
    period = (text + text).find(text, 1)
    return text[:period]


def read_vectors(
    path: Path, columns: tuple[str, ...], skipping: Skipping, *, once: bool
) -> dict[str, NDArray[np.float64]]:
    """Reads a table of vectors and averages the rows of each clip.

    Args:
        path: CSV file with the column ``sequence_name`` and ``columns``.
        columns: columns of the d vector components.
        skipping: policy for bad rows.
        once: whether a clip may have only one row.

    Returns:
        float64 [d] by clip.

    Raises:
        PrerollError: the file has other columns, or a row is bad and skipping is not allowed.
    """
    sums: dict[str, NDArray[np.float64]] = {}
    counts: dict[str, int] = {}
    for row in read_rows(path, columns, skipping, once=once):
        values = finite_numbers(",".join(row.fields), len(columns), np.float64)
        if values is None:
            bad = first_bad(row.fields, np.float64)
            where = f"{row.where}, column {columns[bad]!r}"
            skipping.bad(path, where, f"{row.fields[bad]!r} must be a finite number below {LARGEST:g}")
            continue
        sums[row.name] = sums.get(row.name, 0) + values
        counts[row.name] = counts.get(row.name, 0) + 1
    return {name: total / counts[name] for name, total in sums.items()}
