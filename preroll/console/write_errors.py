"""Errors of writing: which file, why, and the command that goes on."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preroll.errors import PrerollError

#: Reasons that no other arguments would change: the work was right, and there was no room for it.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
#: What libraries say in place of an error number, and the number: of C++ or Rust code, which passes text on, and of
#: ``numpy.tofile``.
_HIDDEN = (
    (re.compile(r"\[?[Ee]rrno\]?:? (\d+)|\(os error (\d+)\)"), None),
    (re.compile(r"No space left on device", re.IGNORECASE), errno.ENOSPC),
    (re.compile(r"Disk quota exceeded", re.IGNORECASE), errno.EDQUOT),
    (re.compile(r"File too large", re.IGNORECASE), errno.EFBIG),
    (re.compile(r"Read-only file system", re.IGNORECASE), errno.EROFS),
    (re.compile(r"Permission denied", re.IGNORECASE), errno.EACCES),
    (re.compile(r"Input/output error", re.IGNORECASE), errno.EIO),
    (re.compile(r"\d+ requested and \d+ written"), errno.ENOSPC),
)
#: Names that a write uses until it is complete, and the name that the user knows.
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.preroll")


@contextmanager
def writes(target: Path | str, goes_on: str | None = None) -> Iterator[None]:
    """Adds to an error in the block what was being written, and what goes on.

    Args:
        target: file or folder that the user knows; it stands in where the error names no file.
        goes_on: what the user can do, as "go on with `preroll …`"; a note of any error, of a signal too.
    """
    try:
        yield
    except BaseException as error:
        known = as_os_error(error)
        if known is not None and not known.filename:
            known.filename = str(target)
        if goes_on and isinstance(error, PrerollError):
            if _number_in(str(error)) in _FULL and "the same command" not in str(error):  # of a worker
                error.args = (f"{error}; {goes_on}",)
        elif goes_on:
            error.add_note(goes_on)
        if known is not None and known is not error:
            for note in getattr(error, "__notes__", ()):
                known.add_note(note)
            raise known from error
        raise


def as_os_error(error: BaseException) -> OSError | None:
    """Returns an error as the error of the system that it stands for; None if it is none.

    >>> as_os_error(RuntimeError("I/O error: No space left on device (os error 28)")).errno == errno.ENOSPC
    True
    >>> as_os_error(ValueError("no"))
    """
    if isinstance(error, OSError) and error.errno is not None:
        return error
    if isinstance(error, AssertionError) and error.__context__ is not None:  # Optuna raises one in place of the error
        return as_os_error(error.__context__)
    hides = isinstance(error, OSError) or type(error).__name__ in ("RuntimeError", "SafetensorError", "ArrowException")
    number = _number_in(str(error)) if hides else None
    return OSError(number, os.strerror(number), getattr(error, "filename", None)) if number else None


def _number_in(text: str) -> int | None:
    """Returns the error number that a text stands for."""
    for pattern, number in _HIDDEN:
        if found := pattern.search(text):
            return number or int(found[1] or found[2])
    return None


def told(error: OSError) -> str:
    """Returns the line about an error: the file that the user knows, and why.

    >>> told(OSError(errno.ENOSPC, "No space left on device", "runs/.mine.preroll/new/agent/arrays.safetensors"))
    'runs/mine/agent/arrays.safetensors: No space left on device'
    """
    known = as_os_error(error) or error
    written = known.filename2 or known.filename  # where there are two, what was copied or renamed is the first
    name = known_name(str(written)) if written else "a file"
    return f"{name}: {known.strerror or known}"


def status(error: OSError) -> int:
    """Returns the exit status: 1 where there was no room, else 2."""
    known = as_os_error(error) or error
    return 1 if known.errno in _FULL else 2


def known_name(path: str) -> str:
    """Returns a path without the names that parts of it have until they are complete.

    >>> known_name("runs/.mine.preroll/new/loop.json"), known_name(".a.npy.preroll/new"), known_name("runs/mine")
    ('runs/mine/loop.json', 'a.npy', 'runs/mine')
    """
    kept: list[str] = []
    inside = False  # of a work folder, whose entries have names of their own
    for part in Path(path).parts:
        if inside and part in ("new", "old"):
            inside = False
            continue
        inside = part.endswith(".preroll")
        found = _TEMPORARY.fullmatch(part)
        kept.append(found["name"] if found else part)
    return str(Path(*kept)) if kept else path
