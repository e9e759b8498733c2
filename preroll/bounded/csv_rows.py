"""Rows of small CSV tables that people write by hand."""

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

from preroll.bounded import limits
from preroll.bounded.readers import read_text
from preroll.errors import PrerollError


def csv_rows(
    source: Path, check_heading: Callable[[list[str]], object], told: str = ""
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields every row by column, without spaces around names and values, with the number of its last line.

    Args:
        source: the file, UTF-8, with a header.
        check_heading: called with the names of the columns before the first row; raises where they are not right.
        told: what messages call the file; its path by default.

    Raises:
        PrerollError: naming the file, and the line that is wrong.
    """
    told = told or str(source)
    try:
        text = read_text(source, limits.TABLE, "utf-8-sig")
    except (OSError, ValueError) as error:
        raise PrerollError(f"{told}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if "\0" in text:
        raise PrerollError(f"{told}: is no text")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        heading = [name.strip() for name in next(reader, [])]
        if len(heading) == 1 and (other := next((mark for mark in ";\t|" if mark in heading[0]), None)):
            raise PrerollError(f"{told}, line 1: {heading[0]}: is separated by {other!r}; a comma is expected")
        check_heading(heading)
        for row in filter(None, reader):  # an empty line is no row
            if len(row) != len(heading):
                raise PrerollError(f"{told}, line {reader.line_num}: should have {len(heading)} fields")
            yield reader.line_num, dict(zip(heading, map(str.strip, row), strict=True))
    except csv.Error as error:
        raise PrerollError(f"{told}, line {reader.line_num}: {error}") from None
