"""The tables of movie memorability: scores, captions, audio and C3D vectors, each known by its clip's sequence_name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.prediction.skipping import Skipping

NAME = "sequence_name"
AUDIO_COLUMNS = tuple(str(i) for i in range(1, 1025))
C3D_COLUMNS = tuple(str(i) for i in range(4096))
_CLASS_NAMES = ("memorabable", "memorable")
#: Above this score a clip is memorable; exactly this is not.
MEMORABLE_ABOVE = 0.5


@dataclass(frozen=True)
class GroundTruth:
    """Measured memorability.

    Attributes:
        names: n clips.
        movies: the movie of each.
        scores: float64 [n] in [0, 1], the share of annotators who remembered the clip.
        annotations: int64 [n], how many annotators there were.
        disagreeing: clips whose class in the file is not (score > 0.5).
    """

    names: tuple[str, ...]
    movies: tuple[str, ...]
    scores: NDArray[np.float64]
    annotations: NDArray[np.int64]
    disagreeing: int

    @property
    def memorable(self) -> NDArray[np.bool_]:
        """bool [n]: score above, not at, 0.5."""
        return self.scores > MEMORABLE_ABOVE


def read_ground_truth(path: Path, skipping: Skipping) -> GroundTruth:
    """Reads ``ground_truth.csv``: movie_name, sequence_name, nb_annotations, memorability_score, and others.

    Raises:
        PrerollError: a column is missing, or a row is bad and may not be skipped, or no row is left.
    """
    table = _read(path)
    for column in ("movie_name", NAME, "nb_annotations", "memorability_score"):
        if column not in table:
            raise PrerollError(f"{path}: has no column {column!r}, only {_listed(table)}")
    scores = _numbers(table["memorability_score"])
    counts = _numbers(table["nb_annotations"])
    names, good = _names(path, table, skipping)
    for row in np.flatnonzero(good).tolist():
        what = ""
        if not 0 <= scores[row] <= 1:
            what = f"memorability_score {table['memorability_score'].iloc[row]} must lie in [0, 1]"
        elif not (counts[row] >= 1 and counts[row] == round(counts[row])):
            what = f"nb_annotations {table['nb_annotations'].iloc[row]} must be a whole number, at least 1"
        elif not str(table["movie_name"].iloc[row]).strip() or table["movie_name"].isna().iloc[row]:
            what = "movie_name is empty"
        if what:
            skipping.bad(path, _row(row), what)
            good[row] = False
    if not good.any():
        raise PrerollError(f"{path}: holds no usable clip")
    classes = [_numbers(table[name]) for name in _CLASS_NAMES if name in table]
    odd = int((classes[0][good] != (scores[good] > MEMORABLE_ABOVE)).sum()) if classes else 0
    movies = tuple(str(name).strip() for name in table["movie_name"][good])
    return GroundTruth(tuple(names[good]), movies, scores[good], counts[good].astype(np.int64), odd)


def read_captions(path: Path, skipping: Skipping) -> dict[str, str]:
    """Reads ``caption_features.csv`` (sequence_name, cc): one text per clip, said once.

    In the published file each paragraph is repeated ten times with nothing between, which would glue the last word of
    one to the first of the next.
    """
    table = _read(path)
    for column in (NAME, "cc"):
        if column not in table:
            raise PrerollError(f"{path}: has no column {column!r}, only {_listed(table)}")
    names, good = _names(path, table, skipping)
    captions = {}
    for row in np.flatnonzero(good).tolist():
        text = table["cc"].iloc[row]
        if not isinstance(text, str) or not text.strip():
            skipping.bad(path, _row(row), "has no caption")
            continue
        captions[names[row]] = said_once(text)
    return captions


def said_once(text: str) -> str:
    """The paragraph of which ``text`` is a whole number of repetitions; the text itself where there is none.

    >>> said_once("a man runs. a man runs. ")
    'a man runs. '
    """
    period = (text + text).find(text, 1)
    return text[:period]


def read_vectors(path: Path, columns: tuple[str, ...], skipping: Skipping) -> dict[str, NDArray[np.float64]]:
    """Reads a table of vectors, several rows a clip or one, and gives each clip the mean of its rows.

    Unnamed columns beside the vector (a row number, a trailing column without content) are passed over.

    Args:
        path: a CSV with ``sequence_name`` and ``columns``.
        columns: of the vector.
        skipping: what to do about bad rows.

    Raises:
        PrerollError: it has other columns, or a row is bad and may not be skipped.
    """
    table = _read(path)
    _check_columns(path, table, columns)
    values = np.column_stack([_numbers(table[column]) for column in columns])
    sums: dict[str, NDArray[np.float64]] = {}
    counts: dict[str, int] = {}
    for row, name in enumerate(table[NAME]):
        if not isinstance(name, str) or not name.strip():
            skipping.bad(path, _row(row), f"{NAME} is empty")
        elif not (finite := np.isfinite(values[row])).all():
            column = columns[int(np.flatnonzero(~finite)[0])]
            skipping.bad(path, f"{_row(row)}, column {column!r}", "is not a finite number")
        else:
            key = name.strip()
            sums[key] = sums.get(key, 0) + values[row]
            counts[key] = counts.get(key, 0) + 1
    return {name: total / counts[name] for name, total in sums.items()}


def _check_columns(path: Path, table: "pd.DataFrame", columns: tuple[str, ...]) -> None:
    missing = [name for name in (NAME, *columns) if name not in table]
    known, names = {NAME, *columns}, [str(name) for name in table.columns]
    extra = [name for name in names if name not in known and not name.startswith("Unnamed: ")]
    extra += [
        name for name in names if name.startswith("Unnamed: ") and name != "Unnamed: 0" and table[name].notna().any()
    ]
    if missing or extra:
        what = f"lacks {missing[0]!r}" if missing else f"has {extra[0]!r}"
        raise PrerollError(
            f"{path}: {what}; must have {NAME} and the {len(columns)} columns {columns[0]} … {columns[-1]}"
        )


def _read(path: Path) -> "pd.DataFrame":
    try:
        table = pd.read_csv(path, encoding="utf-8-sig", low_memory=False)
    except OSError as error:
        raise PrerollError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        # "Expected 5 fields in line 3, saw 6" names the row.
        raise PrerollError(f"{path}: is no table: {' '.join(str(error).split())}") from None
    table.columns = [str(name).strip() for name in table.columns]
    return table


def _names(path: Path, table: "pd.DataFrame", skipping: Skipping) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """The clips' names, and which rows have one that no row before has."""
    names = np.array([name.strip() if isinstance(name, str) else "" for name in table[NAME]], object)
    good = np.ones(len(names), np.bool_)
    seen: set[str] = set()
    for row, name in enumerate(names):
        if not name or name in seen:
            skipping.bad(path, _row(row), f"{NAME} {name!r} stands twice" if name else f"{NAME} is empty")
            good[row] = False
        seen.add(name)
    return names, good


def _numbers(column: "pd.Series[Any]") -> NDArray[np.float64]:
    return pd.to_numeric(column, errors="coerce").to_numpy(np.float64)


def _listed(table: "pd.DataFrame") -> str:
    return ", ".join(str(name) for name in table.columns)[:200]


def _row(row: int) -> str:
    # As an editor counts lines: the heading is the first.
    return f"row {row + 2}"
