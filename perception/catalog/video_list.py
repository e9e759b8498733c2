"""Lists of videos that need not be there: CSV files with categories and, optionally, names and tags."""

import re
from collections import Counter
from pathlib import Path

from preroll.bounded.csv_rows import csv_rows
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

    def check_heading(heading: list[str]) -> None:
        if "category" not in heading or set(heading) - set(COLUMNS) or len(set(heading)) < len(heading):
            raise PrerollError(f"{source}, line 1: {', '.join(heading) or 'nothing'}: {_TOLD}")

    rows = [_video(row, source, line) for line, row in csv_rows(source, check_heading)]
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
