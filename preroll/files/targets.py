"""Where a command may write: asked before its work begins."""

import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from preroll.console.write_errors import writes
from preroll.errors import PrerollError
from preroll.files import atomic, manifest, streams, work_folder
from preroll.files.kinds import FileKind
from preroll.files.manifest import Manifest
from preroll.files.names import each_below, files_below

#: Files and folders that a command reads; None for an option that was not given.
Inputs = Iterable[Path | None]


@contextmanager
def writing_file(
    path: Path | None, told: str, *kinds: FileKind, replace: bool = False, inputs: Inputs = ()
) -> Iterator[FileKind]:
    """Checks that a file may be written to ``path``, holds its lock during the block, and yields its kind.

    Nothing is locked where the command writes no file (None), or writes to a stream. Folders that were made for a file
    that is not written in the end are removed.

    Args:
        path: the file, or None.
        told: how the user named it, such as ``--out found.csv``.
        kinds: as :func:`check_file`.
        replace: as :func:`check_file`.
        inputs: as :func:`check_file`.

    Raises:
        PrerollError: as :func:`check_file`, or another process is writing it.
    """
    if path is None:
        yield kinds[0]
        return
    kind = check_file(path, told, *kinds, replace=replace, inputs=inputs)
    if streams.is_stream(path):
        with writes(path):
            yield kind
        return
    with no_empty_folders(path), writes(path), atomic.writing(path, told):
        yield kind


@contextmanager
def no_empty_folders(path: Path) -> Iterator[None]:
    """Removes the folders above a file that the block made, where it did not write the file in the end."""
    above = [folder for folder in path.absolute().parents if not folder.exists()]
    try:
        yield
    finally:
        for folder in above:  # the innermost first
            with suppress(OSError):
                folder.rmdir()  # refused where anything is in it


def check_file(path: Path, told: str, *kinds: FileKind, replace: bool = False, inputs: Inputs = ()) -> FileKind:
    """Raises unless a file may be written to ``path``; returns the kind that its name asks for.

    A file of this kind and an empty one are replaced, any other only with ``replace``. Nothing is made or changed.

    Args:
        path: the file; links are followed. Devices, pipes and open descriptors are written to.
        told: how the user named it, such as ``--out found.csv``.
        kinds: what the command can write; that of a stream first.
        replace: whether the user gave ``--replace``.
        inputs: files and folders that the command reads.

    Raises:
        PrerollError: it is one of the inputs or of their files, a folder, of another kind, or cannot be written there.
    """
    try:
        check_inputs(path, told, inputs)
        if streams.is_stream(path):
            streams.check_open(path, told)
            return kinds[0]
        kind = _named_kind(path, told, kinds)
        target = atomic.destination(path)
        if target.is_dir():
            raise PrerollError(f"{told}: is a folder; a file is needed")
        _check_ground(target, told)
        if target.exists():
            if not os.access(target, os.W_OK):
                raise PrerollError(f"{told}: is protected against writing")
            if not replace and not kind.is_kind_of(target):
                raise PrerollError(f"{told}: exists and is no {kind.name}; name another file, or give --replace")
    except OSError as error:
        raise PrerollError(f"{told}: cannot be written there: {error.strerror or error}") from None
    return kind


@contextmanager
def reserved(path: Path, kind: str, told: str, *, replace: bool) -> Iterator[None]:
    """Holds the lock of a folder of this ``kind`` from before the work until it is written.

    Args:
        path: the folder.
        kind: what will be written, as its manifest says.
        told: how the user named it, such as ``--run mine``.
        replace: whether a folder of the same kind may be replaced.

    Raises:
        PrerollError: as :func:`check_folder`, another process is writing it, or it cannot be written.
    """
    check_folder(path, kind, told, replace=replace)
    with atomic.writing(path, told):
        check_folder(path, kind, told, replace=replace)  # once more, now that nobody else can write it
        yield


@contextmanager
def new_folder(path: Path, told: str) -> Iterator[Path]:
    """Yields a folder that becomes ``path``, which holds nothing of anybody's, when the block succeeds.

    Raises:
        PrerollError: as :func:`check_new`, another process is writing it, or it cannot be written.
    """
    check_new(path, told)
    with atomic.writing(path, told):
        check_new(path, told)  # once more, now that nobody else can write it
        with atomic.folder(path, None, told) as folder:
            yield folder


def check_new(path: Path, told: str) -> None:
    """Raises unless ``path`` is absent or a folder that holds nothing of anybody's.

    Raises:
        PrerollError: it is a file, or holds something.
    """
    target = atomic.current(atomic.destination(path))
    if target.exists() and not target.is_dir():
        raise PrerollError(f"{told}: is a file; a new or an empty folder is needed")
    for first in each_below(target):
        raise PrerollError(f"{told}: must be a new or an empty folder, and is not empty: it holds {first}")


def check_folder(
    path: Path,
    kind: str,
    told: str,
    *,
    replace: bool,
    mend: bool = False,
    inputs: Inputs = (),
    read: Callable[[Path, str], Manifest] = manifest.read,
) -> None:
    """Raises unless a folder of this ``kind`` may be written to ``path``.

    Args:
        path: the folder.
        kind: what will be written, as its manifest says.
        told: how the user named it, such as ``--run mine``.
        replace: whether a folder of the same kind may be replaced.
        mend: whether any folder may be replaced, since the place is preroll's; what is not is moved into the new one.
        inputs: files and folders that the command reads.
        read: reads the manifest.

    Raises:
        PrerollError: something else is there, or a file that would be lost, or one of the kind and not ``replace``; or
            it is one of the inputs.
    """
    check_inputs(path, told, inputs)
    target = atomic.current(atomic.destination(path))
    if not target.exists():
        return
    if not target.is_dir():
        raise PrerollError(f"{told}: is a file; a folder is needed")
    first = next(each_below(target), None)  # the folder may be the whole disk
    if mend or first is None:
        return
    try:
        found = read(target, kind)
    except FileNotFoundError:
        reason = f"holds {first}, and is no {kind} of preroll"
        raise PrerollError(f"{told}: the folder {reason}; choose another folder") from None
    except PrerollError as error:
        raise PrerollError(f"{told}: cannot be replaced: {error}; choose another folder") from None
    if not replace:
        raise PrerollError(f"{told}: the {kind} exists; choose another folder, or replace it with --replace")
    if strange := found.strangers():
        more = f" and {len(strange) - 1} more" if strange[1:] else ""
        raise PrerollError(f"{told}: {strange[0]}{more} is no part of the {kind} there and would be lost; move it away")


def check_inputs(path: Path, told: str, inputs: Inputs) -> None:
    """Raises if ``path`` is one of the inputs, or a file of an input that is a folder.

    Links are followed. Names that differ in the case of letters are the same, as they are for some systems.

    Raises:
        PrerollError: it is.
    """
    for one in inputs:
        if one is None or not one.exists():
            continue
        if _are_same(path, one):
            raise PrerollError(f"{told}: is {one} itself, which this command reads; name another place")
        if one.is_dir() and (inside := _same_below(path, one)):
            raise PrerollError(f"{told}: is {inside}, which this command reads; name another place")


def _same_below(path: Path, folder: Path) -> Path | None:
    """Returns the file of an input folder that ``path`` is: of those that its manifest names, else of all."""
    own, base = _folded(path), _folded(folder)
    if not path.exists() and not Path(own).is_relative_to(base):
        return None
    try:
        names = [manifest.NAME, *manifest.read(folder).files]
    except (OSError, PrerollError):
        names = files_below(folder)
    for name in names:
        if own == os.path.normpath(os.path.join(base, _one_case(name))) or _is_same_file(path, folder / name):
            return folder / name
    return None


def _are_same(one: Path, other: Path) -> bool:
    return _is_same_file(one, other) or _folded(one) == _folded(other)


def _is_same_file(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _folded(path: Path) -> str:
    return _one_case(os.path.realpath(path))


def _one_case(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _named_kind(path: Path, told: str, kinds: tuple[FileKind, ...]) -> FileKind:
    if found := [kind for kind in kinds if kind.has_suffix(path)]:
        return found[0]
    if kinds[0].any_suffix:
        return kinds[0]
    allowed = " or ".join(suffix for kind in kinds for suffix in kind.suffixes)
    raise PrerollError(f"{told}: the name should end in {allowed}")


def _check_ground(target: Path, told: str) -> None:
    """Raises unless a file, and its work folder, can be made at ``target``."""
    work_folder.check_name(work_folder.beside(target), told)
    _check_above(target.parent, told)


def check_ground(folder: Path, told: str) -> None:
    """Raises unless files can be made in a folder, or the folder itself where it is missing.

    Raises:
        PrerollError: what is there is no folder, or cannot be written.
    """
    if folder.is_file():
        raise PrerollError(f"{told}: is a file; a folder is needed")
    _check_above(folder, told)


def _check_above(folder: Path, told: str) -> None:
    ground = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    if not ground.is_dir():
        raise PrerollError(f"{told}: cannot be made there: {ground} is no folder")
    if not os.access(ground, os.W_OK | os.X_OK):
        raise PrerollError(f"{told}: cannot be made there: {ground} cannot be written")
