"""Tables of videos: CSV files with the columns ``path`` or ``url``, ``category`` and, optionally, ``split``."""

import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from preroll.bounded.csv_rows import csv_rows
from preroll.errors import PrerollError
from preroll.perception.ingest.video_folder import Listing, SourceVideo, problem_of, shown
from preroll.perception.video.clip_groups import GROUPINGS
from preroll.system.portable_names import kept_or_portable

COLUMNS = ("path", "url", "category", "split")
SPLITS = ("train", "val", "test")
_LONGEST_NAME = 150


def is_table(source: Path) -> bool:
    """Returns whether the source of videos is a table rather than a folder."""
    return source.suffix.lower() == ".csv" and not source.is_dir()


def read_table(source: Path, downloads: Path, group_by: str | None = None) -> Listing:
    """Lists the videos of a table; relative paths are resolved against the table's folder.

    Args:
        source: the CSV file, UTF-8, with a header. A row has a path or a URL (in either column), and a category.
        downloads: the folder for the videos of URLs.
        group_by: a further column, which holds the groups; or another grouping, if there is no such column.

    Raises:
        PrerollError: naming the file and the invalid line.
    """
    if not source.is_file():
        raise PrerollError(f"videos {source}: no such file; a table of videos is a CSV file")
    lines: dict[str, int] = {}
    videos = []
    rows = csv_rows(source, lambda heading: _check_heading(heading, source, group_by), f"videos {source}")
    for number, row in rows:
        listed = _listed(row, source, downloads, number)
        if group_by in row:
            listed = replace(listed, group=row[group_by] or listed.path)
        if listed.path in lines:
            raise PrerollError(f"videos {source}, line {number}: {listed.path} is in line {lines[listed.path]} too")
        lines[listed.path] = number
        videos.append(listed)
    if not videos:
        raise PrerollError(f"videos {source}: it lists no video")
    return Listing(sorted(videos, key=lambda one: (one.category, one.path)), 0)


def _check_heading(heading: list[str], source: Path, group_by: str | None) -> None:
    if "category" not in heading or not {"path", "url"} & set(heading):
        raise PrerollError(
            f"videos {source}, line 1: the columns must be path or url, category and, if you like, split;"
            f" not {', '.join(heading) or 'nothing'}"
        )
    if group_by not in (None, *GROUPINGS, *heading):
        raise PrerollError(
            f"--group-by {group_by}: it must be {', '.join(GROUPINGS)} or a column of {source}: {', '.join(heading)}"
        )
    for name in heading:
        if name not in (*COLUMNS, group_by) or heading.count(name) > 1:
            raise PrerollError(f"videos {source}, line 1: column {name!r}; known, once each: {', '.join(COLUMNS)}")


def _listed(row: dict[str, str], source: Path, downloads: Path, line: int) -> SourceVideo:
    given = [value for key in ("path", "url") if (value := row.get(key, ""))]
    if len(given) != 1:
        raise PrerollError(f"videos {source}, line {line}: it must have a path or a url, not {' and '.join(given)!r}")
    category, split = row["category"], row.get("split", "")
    if not category or "/" in category:
        raise PrerollError(f"videos {source}, line {line}: category {category!r}: it must be a name without /")
    if split and split not in SPLITS:
        raise PrerollError(f"videos {source}, line {line}: split {split!r}: it must be {', '.join(SPLITS)} or empty")
    (place,) = given
    if re.match("[A-Za-z][A-Za-z0-9+.-]*://", place):
        _check_url(place, source, line)
        name = _name(urlsplit(place).path.rpartition("/")[2] or place)
        return SourceVideo(downloads, place, category, split=split, url=place, name=name)
    if row.get("url"):
        raise PrerollError(f"videos {source}, line {line}: url {place!r} must begin with http:// or https://")
    file = source.parent / place
    # An absolute path would depend on the machine.
    path = shown(os.path.relpath(place, source.parent) if os.path.isabs(place) else os.path.normpath(place))
    return SourceVideo(file, path, category, problem_of(file), split=split, name=_name(path))


def _check_url(url: str, source: Path, line: int) -> None:
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname)
    except ValueError as error:
        raise PrerollError(f"videos {source}, line {line}: url {url!r}: {error}") from None
    if parts.scheme.lower() not in ("http", "https") or not named:
        raise PrerollError(f"videos {source}, line {line}: url {url!r} must begin with http:// or https:// and a host")
    if parts.username or parts.password:
        raise PrerollError(
            f"videos {source}, line {line}: the url holds a user's name or password, which the catalog would contain"
        )


def _name(path: str) -> str:
    """Returns a file name derived from a path or a URL."""
    return kept_or_portable(re.sub(r"[^\w.-]+", "-", path).strip("-.")[-_LONGEST_NAME:] or "video")
