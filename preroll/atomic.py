"""Atomic writes: a reader sees the old content of a file or folder, or the new one, never a part."""

import fcntl
import glob
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Opens a temporary sibling of ``path``, for bytes, that takes its place when the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    """Returns the file mode mask of the process, which mkstemp ignores."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_bytes(path: Path, data: bytes) -> None:
    """Writes ``data`` to ``path`` atomically, making parent folders."""
    with replacing(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Writes ``text`` as UTF-8 to ``path`` atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Writes ``value`` as indented JSON to ``path`` atomically; NaN is refused, for JSON has none."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Writes ``array`` in NumPy's ``.npy`` format to ``path`` atomically, never pickled."""
    with replacing(path) as file:
        np.save(file, array, allow_pickle=False)


@contextmanager
def folder(path: Path) -> Iterator[Path]:
    """Yields a temporary sibling folder that replaces ``path`` when the block succeeds.

    A folder with content cannot be replaced in one step: the old one is renamed first and removed last, so that a kill
    between the two leaves the old content under ``.NAME.old``, from which the next call restores it. A temporary folder
    that a killed process left is removed by the next call, since its lock is free.
    """
    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    recover(path)
    _sweep(path)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part"))
    temporary.chmod(0o777 & ~_umask())
    lock = os.open(temporary, os.O_RDONLY)
    with suppress(OSError):  # a file system without locks: nothing is swept there
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield temporary
        aside = _aside(path)
        if path.exists():
            os.replace(path, aside)
        os.replace(temporary, path)
        shutil.rmtree(aside, ignore_errors=True)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        recover(path)
        raise
    finally:
        os.close(lock)


def _sweep(path: Path) -> None:
    """Removes temporary folders of ``path`` whose writers were killed: their locks are free."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with suppress(OSError):  # it is being written, or it is no folder, or gone
            lock = os.open(left, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(lock)


def recover(path: Path) -> None:
    """Restores the old content that a killed :func:`folder` renamed, or removes it where the new one is in place."""
    aside = _aside(path)
    if aside.exists():
        if path.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            os.replace(aside, path)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.old")
