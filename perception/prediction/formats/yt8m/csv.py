"""YouTube-8M as CSV without heading: 3862 labels 0 or 1, 1024 visual and 128 audio features, and an empty field."""

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.bounded.readers import lines
from preroll.perception.prediction.formats.numbers import LARGEST, finite_numbers, first_bad
from preroll.perception.prediction.formats.yt8m.record import CLASSES, FEATURES, Tagged
from preroll.perception.prediction.framework.bad_input import Skipping

#: Number of fields of a line: the labels, the features, and an empty field after the last comma.
FIELDS = CLASSES + FEATURES + 1
_LABEL_BYTES = 2 * CLASSES
_ZERO, _COMMA = ord("0"), ord(",")


def read_csv(path: Path, skipping: Skipping, *, labeled: bool = True) -> Iterator[Tagged]:
    """Yields the videos of a ``.csv`` or ``.csv.gz`` file line by line; their ids are FILE:ROW, counted from 1.

    Args:
        path: the file.
        skipping: policy for bad lines.
        labeled: whether every video must have a label.

    Raises:
        PrerollError: a line is bad and skipping is not allowed.
    """
    try:
        for row, line in enumerate(lines(path), start=1):
            try:
                labels, features = parse_line(line, labeled=labeled)
            except BadLineError as bad:
                skipping.bad(path, f"row {row}{bad.column}", str(bad))
                continue
            yield Tagged(f"{path.name}:{row}", labels, features, f"{path}, row {row}")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        skipping.bad(path, "", f"cannot be read to its end: {error}")


class BadLineError(ValueError):
    """Error for a malformed line; ``column`` is empty or ``, column N``, counted from 1."""

    def __init__(self, what: str, column: int | None = None) -> None:
        super().__init__(what)
        self.column = "" if column is None else f", column {column}"


def parse_line(line: bytes, *, labeled: bool = True) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Parses one line.

    Labels are single digits, so they are parsed by slicing bytes, which is ten times faster than splitting fields.

    Args:
        line: the line, with or without line break.
        labeled: whether the video must have a label.

    Returns:
        The numbers of the labels that are 1, int32 in increasing order, and the features, float32 [1152].

    Raises:
        BadLineError: the number of fields is wrong, a label is neither 0 nor 1, a label is missing, or a feature is not
            a finite number.
    """
    line = line.rstrip(b"\r\n")
    if (fields := line.count(b",") + 1) != FIELDS:
        raise BadLineError(f"has {fields} fields, must have {FIELDS}")
    head = np.frombuffer(line[:_LABEL_BYTES], np.uint8)
    digits = head[::2] - _ZERO
    if (digits > 1).any() or (head[1::2] != _COMMA).any():
        raise _bad_label(line)
    labels = np.flatnonzero(digits).astype(np.int32)
    if labeled and not len(labels):
        raise BadLineError("has no label")
    if not line.endswith(b","):
        raise BadLineError("must be empty", FIELDS)
    features = finite_numbers(line[_LABEL_BYTES:-1].decode("ascii", "replace"), FEATURES, np.float32)
    if features is None:
        raise _bad_number(line)
    return labels, features


def _bad_label(line: bytes) -> BadLineError:
    for column, field in enumerate(line.split(b",")[:CLASSES], start=1):
        if field not in (b"0", b"1"):
            return BadLineError(f"label {_shown(field)} must be 0 or 1", column)
    return BadLineError("its labels must be 0 or 1")


def _bad_number(line: bytes) -> BadLineError:
    fields = line.split(b",")[CLASSES : CLASSES + FEATURES]
    bad = first_bad([field.decode("ascii", "replace") for field in fields], np.float32)
    return BadLineError(f"feature {_shown(fields[bad])} must be a finite number below {LARGEST:g}", CLASSES + bad + 1)


def _shown(field: bytes) -> str:
    return repr(field[:20].decode("ascii", "backslashreplace"))
