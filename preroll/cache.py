"""Folders of what is kept between runs and may be lost at any time: compiled code and networks, by kind."""

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


def user_cache_folder(kind: str) -> Path | None:
    """Returns the folder of one kind of things that are costly to fetch or to make again; it may be missing.

    It is in ``PREROLL_CACHE``, else in the folder that the system has for what programs keep for a user, which is that
    of ``platformdirs.user_cache_dir("preroll")``; None for a user without a home.
    """
    if (named := cache_folder(kind)) is not None:
        return named
    home = Path("~").expanduser  # raises for a user without one
    with suppress(RuntimeError):
        if sys.platform == "win32":
            local = os.environ.get("LOCALAPPDATA")
            return (Path(local) if local else home() / "AppData" / "Local") / "preroll" / "preroll" / "Cache" / kind
        if sys.platform == "darwin":
            return home() / "Library" / "Caches" / "preroll" / kind
        place = os.environ.get("XDG_CACHE_HOME", "").strip()
        return (Path(place) if os.path.isabs(place) else home() / ".cache") / "preroll" / kind
    return None


def say_not_kept(what: str, why: str, variable: str = VARIABLE) -> None:
    """Writes to stderr that things are not kept; once for each in a process, and never in its workers.

    Args:
        what: the things, such as ``compiled code``.
        why: what was tried and failed.
        variable: the environment variable that would name another folder.
    """
    say_once(what, f"{what} is not kept: {why}; set {variable} to a folder that can be written")


def say_once(what: str, text: str) -> None:
    """Writes a note to stderr; once for each ``what`` in a process, and never in its workers."""
    if what in _told or os.environ.get(SILENT):
        return
    _told.add(what)
    with suppress(OSError, AttributeError):  # closed
        sys.stderr.write(f"note: {text}\n")
