"""The folder of what is kept between runs and may be lost at any time: compiled code, by kind in sub-folders."""

import os
import sys
from contextlib import suppress
from pathlib import Path

#: The environment variable that names the folder.
VARIABLE = "PREROLL_CACHE"
#: The environment variable that keeps workers from saying what their parent says.
SILENT = "PREROLL_CACHE_SILENT"

_told: set[str] = set()


def cache_folder(kind: str) -> Path | None:
    """Returns the folder of one kind of things that are kept; None where ``PREROLL_CACHE`` is not set.

    Args:
        kind: name of a folder in it, such as ``compiled``. The folder may be missing, and need not be writable.
    """
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser().absolute() / kind if named else None


def say_not_kept(what: str, why: str, variable: str = VARIABLE) -> None:
    """Writes to stderr that things are not kept; once for each in a process, and never in its workers.

    Args:
        what: the things, such as ``compiled code``.
        why: what was tried and failed.
        variable: the environment variable that would name another folder.
    """
    if what in _told or os.environ.get(SILENT):
        return
    _told.add(what)
    with suppress(OSError, AttributeError):  # closed
        sys.stderr.write(f"note: {what} is not kept: {why}; set {variable} to a folder that can be written\n")
