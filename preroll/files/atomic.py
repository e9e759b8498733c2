"""Atomic writes: a reader sees the old content of a file or folder, or the new one, never a part.

Every target is written in its work folder (:mod:`preroll.files.work_folder`) by one writer at a time.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.files import manifest, sealed, work_folder
from preroll.files.names import files_below, parents_of
from preroll.files.streams import is_stream, open_stream
from preroll.files.work_folder import NEW, OLD, SUFFIX


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Opens a file, for bytes, that takes the place of ``path`` when the block succeeds.

    A link is followed. A device or pipe is written to. Within a folder that is being written as a whole, nothing can be
    half-written, and the file is written where it is.

    Raises:
        PrerollError: it is a folder, another process is writing it, or it cannot be written.
    """
    if not _in_new_folder(path):  # in one, which is new and ours, is no stream and no link
        if is_stream(path):
            with open_stream(path) as file:
                yield file
            return
        path = destination(path)
    if path.is_dir():
        raise PrerollError(f"{path}: is a folder; a file is needed")
    if _in_new_folder(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            yield file
            _to_disk(file)
        return
    with writing(path) as work:
        with (work / NEW).open("wb") as file:
            yield file
            _to_disk(file)
        if path.exists():
            with suppress(OSError):
                shutil.copymode(path, work / NEW)
        os.replace(work / NEW, path)


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def write_bytes(path: Path, data: bytes) -> None:
    """Writes ``data`` to ``path`` atomically, making parent folders."""
    with replacing(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Writes ``text`` as UTF-8 to ``path`` atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any, *, indent: int | None = 2) -> None:
    """Writes ``value`` as JSON to ``path`` atomically; NaN is refused, for JSON has none."""
    write_text(path, json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False) + "\n")


def write_sealed(path: Path, content: dict[str, Any], *, indent: int | None = 2) -> None:
    """Writes ``content`` as sealed JSON (:mod:`preroll.files.sealed`) to ``path`` atomically; NaN is refused."""
    write_text(path, sealed.text_of(content, indent=indent))


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Writes ``array`` in NumPy's ``.npy`` format to ``path`` atomically, never pickled."""
    with replacing(path) as file:
        # Handed the file itself, NumPy writes past it, and a disk that takes no more has no reason.
        np.save(cast(Any, SimpleNamespace(write=file.write)), array, allow_pickle=False)


@contextmanager
def folder(path: Path, kind: str | None, told: str = "") -> Iterator[Path]:
    """Yields a new folder that takes the place of ``path`` when the block succeeds, its manifest written last.

    The old content is removed as far as it was preroll's: what neither its manifest nor the new one names is moved into
    the new folder. A folder cannot be replaced in one step: between two renames only ``old`` exists, in the marked work
    folder. The next writer restores it, and :func:`current` finds it for readers.

    Args:
        path: the folder; a link to a folder is followed.
        kind: what it is, as its manifest says; a block that writes a manifest keeps its own. None is for what is never
            read back, such as pictures: it gets no manifest, and the old content, which the caller has checked, goes.
        told: how the user named it, such as ``--run mine``; by default its path.

    Raises:
        PrerollError: another process is writing it, or it cannot be written.
    """
    path = destination(path)
    if _in_new_folder(path):
        path.mkdir(parents=True)
        yield path
        _complete(path, kind)
        return
    with writing(path, told or str(path)) as work:
        new, old = work / NEW, work / OLD
        if path.exists() and not path.is_dir():
            raise PrerollError(f"{told or path}: is a file; a folder is needed")
        work_folder.tidy(work)
        new.mkdir()
        yield new
        _complete(new, kind)
        if path.exists():
            os.replace(path, old)
        try:
            os.replace(new, path)
        except BaseException:
            _restore(path, old)
            raise
        _discard(old, path)


@contextmanager
def writing(path: Path, told: str = "") -> Iterator[Path]:
    """Holds the lock of the target ``path``, restores what a killed writer set aside, and yields the work folder.

    Args:
        path: the target; links are followed.
        told: how the user named it; by default its path.

    Raises:
        PrerollError: another process is writing it, or it cannot be written.
    """
    path = destination(path)
    if path.is_dir() and os.path.ismount(path):
        raise PrerollError(f"{told or path}: is a mount point, which cannot be replaced; name a folder inside it")
    work = work_folder.beside(path)
    with work_folder.held(work, path.name, told or str(path)):
        _restore(path, work / OLD)
        yield work


@contextmanager
def writing_within(path: Path, told: str = "") -> Iterator[None]:
    """Holds the lock of a folder whose content is written one by one, such as that of an experiment; it is made.

    The lock of who would replace the folder as a whole is held too, where anybody could: in a folder above that may be
    written.

    Args:
        path: the folder; links are followed.
        told: how the user named it; by default its path.

    Raises:
        PrerollError: another process is writing it, or it cannot be written.
    """
    path = destination(path)
    with ExitStack() as locks:
        if not path.exists() or (os.access(path.parent, os.W_OK) and not os.path.ismount(path)):
            locks.enter_context(writing(path, told))
        locks.enter_context(work_folder.held(work_folder.within(path), path.name, told or str(path)))
        yield


def sweep(path: Path) -> None:
    """Restores or removes what a killed writer of ``path`` left; does nothing while somebody is writing it."""
    if work_folder.beside(destination(path)).exists():
        with suppress(PrerollError), writing(path):
            pass


def writer_of(path: Path) -> str | None:
    """Returns who is writing ``path`` now, in words, or None; takes no lock."""
    return work_folder.writer_of(work_folder.beside(destination(path)))


def is_locked(path: Path) -> bool:
    """Returns whether another process is writing ``path`` now; for who is about to write it."""
    return work_folder.is_locked(work_folder.beside(destination(path)))


def current(path: Path) -> Path:
    """Returns where the content of ``path`` is to be read: there, or where a writer set it aside and was killed."""
    if path.exists():
        return path
    target = Path(os.path.realpath(path))
    work = work_folder.beside(target)
    return work / OLD if target.name and (work / OLD).is_dir() and work_folder.is_ours(work, target.name) else path


def destination(path: Path) -> Path:
    """Returns the absolute path of a target, with links followed.

    Raises:
        PrerollError: a link on the way leads nowhere, or a name is longer than the file system takes.
    """
    path = Path(path)
    try:
        for place in (path, *path.parents):
            # What would be made behind a link that leads nowhere is not where the user looks for it. What a killed
            # writer set aside returns to where the link leads.
            if place.is_symlink() and not os.path.exists(place) and (place != path or current(path) == path):
                raise PrerollError(f"{place}: is a link to {os.readlink(place)}, which does not exist")
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise PrerollError(f"{path}: cannot be written there: {getattr(error, 'strerror', error)}") from None


def _complete(new: Path, kind: str | None) -> None:
    if kind is not None and not (new / manifest.NAME).exists():
        manifest.write(new, kind)


def _in_new_folder(path: Path) -> bool:
    """Returns whether a path lies in the new content of a work folder."""
    return any(one.endswith(SUFFIX) and two == NEW for one, two in pairwise(path.parts[:-1]))


def _restore(path: Path, old: Path) -> None:
    """Ends a replacement that a kill interrupted: the old content returns, unless the new one is in place.

    Raises:
        PrerollError: something else was put in the place since; it and the old content stay where they are.
    """
    if not old.exists():
        return
    if not path.exists():
        os.replace(old, path)
    elif (old / manifest.NAME).exists() and not (path / manifest.NAME).exists():
        raise PrerollError(
            f"{path}: stands where {old} belongs, which a killed command had set aside; move {path} away"
        )
    else:
        _discard(old, path)


def _discard(old: Path, path: Path) -> None:
    """Removes the content that ``path`` replaced; what was not preroll's is moved to ``path``."""
    if not old.is_dir():
        old.unlink(missing_ok=True)
        return
    ours = {manifest.NAME, *_named(old), *_named(path)}
    if not any((one / manifest.NAME).exists() for one in (old, path)):  # written without, by who checked what was there
        ours.update(files_below(old))
    for name in files_below(old):
        if name not in ours | parents_of(ours) and not (path / name).exists():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(old / name, path / name)
    shutil.rmtree(old, ignore_errors=True)


def _named(folder: Path) -> set[str]:
    """Returns the files that the manifest of ``folder`` names; none if it cannot be read."""
    try:
        return set(manifest.read(folder).files)
    except (OSError, PrerollError):
        return set()
