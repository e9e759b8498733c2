"""CSV tables of clips, in which the column sequence_name identifies the clip of each row."""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from preroll.errors import PrerollError
from preroll.perception.prediction.framework.bad_input import Skipping

NAME = "sequence_name"


@dataclass(frozen=True)
class ClipRow:
    """One row of a table.

    Attributes:
        where: line of the file in which the row begins, counted from 1, as ``row N``.
        name: name of the clip.
        fields: the requested fields; empty where the table lacks the column.
    """

    where: str
    name: str
    fields: list[str]


def read_rows(
    path: Path,
    columns: tuple[str, ...],
    skipping: Skipping,
    *,
    optional: tuple[str, ...] = (),
    more_columns: bool = False,
    once: bool = True,
) -> Iterator[ClipRow]:
    """Yields the rows of a table one by one.

    Columns without a name, or with a name such as ``Unnamed: 0`` that pandas writes for them, are ignored. In front of
    the first named column they may contain anything, such as row numbers; behind it they must be empty in every row.

    Args:
        path: CSV file with a heading.
        columns: required columns besides ``sequence_name``; they are the fields of the rows, in this order.
        skipping: policy for bad rows.
        optional: optional columns, whose fields follow.
        more_columns: whether other columns are allowed.
        once: whether a clip may have only one row.

    Raises:
        PrerollError: the file cannot be read, has other columns, or a row is bad and skipping is not allowed.
    """
    try:
        with path.open("rb") as file:
            records = _records(path, file, skipping)
            heading = [name.strip() for name in next(records, ("", []))[1]]
            names = ["" if name.startswith("Unnamed: ") else name for name in heading]
            _check_heading(path, names, columns, None if more_columns else {NAME, *columns, *optional, ""})
            yield from _checked(path, names, columns + optional, records, skipping, once=once)
    except OSError as error:
        raise PrerollError(f"{path}: cannot be read: {error.strerror}") from None


def _lines(path: Path, file: BinaryIO, skipping: Skipping) -> Iterator[str]:
    """Yields the lines of a file; a skipped bad line is empty, so that the others keep their numbers."""
    for number, line in enumerate(file, start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf8")
        except UnicodeDecodeError:
            skipping.bad(path, f"row {number}", "is not UTF-8 text")
            yield "\n"


def _records(path: Path, file: BinaryIO, skipping: Skipping) -> Iterator[tuple[str, list[str]]]:
    """Yields where each record begins (``row N``) and its fields; empty lines are ignored."""
    reader = csv.reader(_lines(path, file, skipping), strict=True)
    while True:
        where = f"row {reader.line_num + 1}"
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            skipping.bad(path, where, f"cannot be split into fields: {error}")
            continue
        if fields:
            yield where, fields


def _check_heading(path: Path, names: list[str], columns: tuple[str, ...], known: set[str] | None) -> None:
    found = Counter(names)
    what = [f"lacks the column {name!r}" for name in (NAME, *columns) if not found[name]]
    what += [f"has the column {name!r} twice" for name in (NAME, *columns) if found[name] > 1]
    what += [f"has the column {name!r}" for name in found if known is not None and name not in known]
    if what:
        must = f"{len(columns)} columns {columns[0]} … {columns[-1]}" if len(columns) > 9 else ", ".join(columns)
        raise PrerollError(f"{path}: {what[0]}; must have {NAME} and {must}")


def _checked(
    path: Path,
    names: list[str],
    columns: tuple[str, ...],
    records: Iterator[tuple[str, list[str]]],
    skipping: Skipping,
    *,
    once: bool,
) -> Iterator[ClipRow]:
    # A missing column is read from the empty field appended to each row.
    place = {name: i for i, name in enumerate(names)}
    places = [place.get(column, len(names)) for column in columns]
    numbered = next(i for i, name in enumerate(names) if name)
    nameless = [i for i, name in enumerate(names) if not name and i > numbered]
    seen: set[str] = set()
    for where, fields in records:
        if len(fields) != len(names):
            skipping.bad(path, where, f"has {len(fields)} fields, must have {len(names)}")
            continue
        name = fields[place[NAME]].strip()
        full = [i for i in nameless if fields[i].strip().lower() not in ("", "nan")]
        if not name:
            skipping.bad(path, where, f"{NAME} is empty")
        elif once and name in seen:
            skipping.bad(path, where, f"{NAME} {name!r} occurs twice")
        elif full:
            skipping.bad(
                path, f"{where}, column {full[0] + 1}", f"{fields[full[0]]!r} must be empty, as its heading is"
            )
        else:
            fields.append("")
            yield ClipRow(where, name, list(map(fields.__getitem__, places)))
        seen.add(name)
