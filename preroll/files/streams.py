"""Devices, pipes and open descriptors: what is written to and never replaced."""

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import IO

from preroll.errors import PrerollError

#: Names of descriptors that are open already.
_DESCRIPTOR = re.compile(r"/{1,2}(?:dev/(?P<name>stdin|stdout|stderr)|dev/fd/(?P<fd>\d+)|proc/self/fd/(?P<proc>\d+))")
_NUMBERS = {"stdin": 0, "stdout": 1, "stderr": 2}
_MOST_LINKS = 40


def is_stream(path: Path) -> bool:
    """Returns whether ``path`` is a device, a pipe or an open descriptor, which is written to and never replaced."""
    if descriptor_of(path) is not None:
        return True
    try:
        kind = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(kind) and not stat.S_ISDIR(kind)


def descriptor_of(path: Path) -> int | None:
    """Returns the number of the open descriptor that ``path`` names, directly or by links, or None."""
    name = os.path.abspath(path)
    for _ in range(_MOST_LINKS):
        if named := _DESCRIPTOR.fullmatch(name):
            return _NUMBERS[named["name"]] if named["name"] else int(named["fd"] or named["proc"])
        try:
            name = os.path.abspath(os.path.join(os.path.dirname(name), os.readlink(name)))
        except (OSError, ValueError):
            return None
    return None


def open_stream(path: Path) -> IO[bytes]:
    """Opens a stream for bytes."""
    if (number := descriptor_of(path)) is not None:
        # Opened by name, a file that the shell opened would be cut.
        return os.fdopen(os.dup(number), "wb")
    return path.open("wb")


def check_open(path: Path, told: str) -> None:
    """Raises unless a stream can be written; a pipe is not opened, which would wait for its reader.

    Raises:
        PrerollError: the descriptor is closed or opened for reading, or the stream may not be written.
    """
    try:
        if (number := descriptor_of(path)) is not None:
            os.write(number, b"")
        elif stat.S_ISSOCK(os.stat(path).st_mode):
            raise PrerollError(f"{told}: is a socket, which cannot be opened as a file")
        elif not os.access(path, os.W_OK):
            raise PrerollError(f"{told}: is protected against writing")
    except OSError as error:
        raise PrerollError(f"{told}: cannot be written: {error.strerror}") from None


@contextmanager
def messages_beside(path: Path | None) -> Iterator[None]:
    """Sends what is printed in the block to stderr where ``path`` is stdout, so that only the file is there."""
    if path is None or descriptor_of(path) != 1:
        yield
        return
    with redirect_stdout(sys.stderr):
        yield
