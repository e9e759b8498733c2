"""Names of files: what a name read from a file may be, and which files are nobody's."""

import os
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from preroll.errors import PrerollError

#: Files that systems leave in any folder, and nobody misses.
NOBODYS = (".DS_Store", "._*", ".nfs*", "Thumbs.db", "ehthumbs.db", "desktop.ini", ".directory", ".localized", "Icon\r")

#: The longest name read from a file; file systems take 255 bytes a part.
LONGEST = 4096

_UNUSUAL = re.compile(r"[\x00-\x1f\x7f\\:]")


def is_nobodys(name: str) -> bool:
    """Returns whether a system left a file of this name, so that it may be removed with its folder."""
    return any(fnmatchcase(name, pattern) for pattern in NOBODYS)


def checked_name(name: object, told_by: str) -> str:
    """Returns a name that was read from a file, if it is the plain relative name of something inside a folder.

    Args:
        name: what was read, with ``/`` between the parts.
        told_by: file and key where it stood, for the error message.

    Raises:
        PrerollError: it is no text, or absolute, or has a part ``..``, ``.``, an empty one or a character that some
            system does not take.
    """
    plain = isinstance(name, str) and len(name) <= LONGEST and not _UNUSUAL.search(name)
    if plain and not {"", ".", ".."} & set(str(name).split("/")):
        return str(name)
    raise PrerollError(f"{told_by}: {str(name)[:200]!r} is not the plain name of something inside the folder")


def files_below(folder: Path) -> list[str]:
    """Returns names of all files and empty folders below ``folder``, with ``/``, less those that are nobody's.

    Links are files, whatever they lead to.
    """
    return sorted(each_below(folder))


def each_below(folder: Path) -> Iterator[str]:
    """Yields what :func:`files_below` returns, the folder's own files first; the first is found in any large folder."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        inside = Path(place).relative_to(folder)
        files += [name for name in folders if (Path(place) / name).is_symlink()]
        there = sorted(name for name in files if not is_nobodys(name))
        yield from ((inside / name).as_posix() for name in there)
        if not folders and not there and inside.parts:
            yield inside.as_posix()


def parents_of(names: Iterable[str]) -> set[str]:
    """Returns the folders that the files ``names`` lie in."""
    return {parent.as_posix() for name in names for parent in PurePosixPath(name).parents}


def beside(path: Path, suffix: str) -> Path:
    """Returns the file of the same name with another suffix; of a path without a name, as ``.``, one inside of it."""
    return path.with_suffix(suffix) if path.name else path / suffix
