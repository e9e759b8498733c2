"""The vocabulary of YouTube-8M: a CSV of class names, which are quoted and may contain commas."""

import csv
import io
from pathlib import Path

from preroll.bounded import limits
from preroll.bounded.readers import unfolded
from preroll.errors import PrerollError
from preroll.perception.prediction.formats.yt8m.record import CLASSES


def read_vocabulary(path: Path, classes: int = CLASSES) -> tuple[str, ...]:
    """Reads the class names, in the order of their numbers, from the columns ``Index`` and ``Name``.

    A class without a name (there is one) is named after its number.

    Args:
        path: CSV file; gzip-compressed if its name ends in ``.gz``.
        classes: number of classes.

    Raises:
        PrerollError: the file cannot be read, lacks a column, or its indices are not exactly 0 … classes − 1.
    """
    try:
        raw = unfolded(path, limits.VOCABULARY)
        rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    except (OSError, EOFError, ValueError, csv.Error) as error:
        raise PrerollError(f"vocabulary {path}: cannot be read: {error}") from None
    names: dict[int, str] = {}
    for number, row in enumerate(rows, start=2):
        index, name = row.get("Index"), row.get("Name")
        if index is None or name is None or not index.isdigit():
            raise PrerollError(f"vocabulary {path}, row {number}: the columns Index (a number) and Name are needed")
        if int(index) in names:
            raise PrerollError(f"vocabulary {path}, row {number}: index {index} occurs twice")
        names[int(index)] = name or f"class {index}"
    if sorted(names) != list(range(classes)):
        raise PrerollError(f"vocabulary {path}: has {len(names)} classes, must number 0 … {classes - 1}")
    return tuple(names[i] for i in range(classes))
