"""Lists of videos that need not be there: CSV files with categories and, optionally, names and tags."""

import csv
import io
import re
from collections import Counter
from pathlib import Path

from preroll.bounded import limits
from preroll.bounded.readers import read_text
from preroll.errors import PrerollError
from preroll.perception.catalog.synthetic import Listed

COLUMNS = ("category", "video", "tags")
_TOLD = "the columns are category and, if you like, video (a name) and tags (separated by ; or ,), each once"


def read_list(source: Path) -> Listed:
    """Reads a list of videos.

    Args:
        source: the CSV file, UTF-8, with a header.

    Raises:
        PrerollError: naming the file, and the line or column that is wrong.
    """
    try:
        text = read_text(source, limits.TABLE, "utf-8-sig")
    except (OSError, ValueError) as error:
        raise PrerollError(f"{source}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if "\0" in text:
        raise PrerollError(f"{source}: is no text")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        heading = [name.strip() for name in next(reader, [])]
        if "category" not in heading or set(heading) - set(COLUMNS) or len(set(heading)) < len(heading):
            raise PrerollError(f"{source}, line 1: {', '.join(heading) or 'nothing'}: {_TOLD}")
        rows = []
        for row in reader:
            if len(row) != len(heading):
                raise PrerollError(f"{source}, line {reader.line_num}: should have {len(heading)} fields")
            rows.append(_video(dict(zip(heading, map(str.strip, row), strict=True)), source, reader.line_num))
    except csv.Error as error:
        raise PrerollError(f"{source}, line {reader.line_num}: {error}") from None
    if not rows:
        raise PrerollError(f"{source}: lists no video")
    names, categories, tags = zip(*rows, strict=True)
    name, often = Counter(names).most_common(1)[0]
    if often > 1:
        raise PrerollError(f"{source}: video {name!r}: is there {often} times")
    return Listed(names, categories, tags)


def _video(row: dict[str, str], source: Path, line: int) -> tuple[str, str, tuple[str, ...]]:
    """Returns name, category and tags of one line."""
    if not row["category"]:
        raise PrerollError(f"{source}, line {line}: category: is missing")
    tags = tuple(dict.fromkeys(tag.strip() for tag in re.split("[;,]", row.get("tags", "")) if tag.strip()))
    return row.get("video") or f"{row['category']}/line-{line}", row["category"], tags
