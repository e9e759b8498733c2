"""Where a command may write: asked before its work begins."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from preroll.errors import PrerollError
from preroll.files import atomic, manifest
from preroll.files.manifest import Manifest
from preroll.files.names import files_below


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
        yield


def check_new(path: Path, told: str) -> None:
    """Raises unless ``path`` is absent or a folder that holds nothing of anybody's.

    Raises:
        PrerollError: it is a file, or holds something.
    """
    target = atomic.current(atomic.destination(path))
    if target.exists() and not target.is_dir():
        raise PrerollError(f"{told}: is a file; a new or an empty folder is needed")
    if there := files_below(target):
        raise PrerollError(f"{told}: must be a new or an empty folder, and is not empty: it holds {there[0]}")


def check_folder(
    path: Path,
    kind: str,
    told: str,
    *,
    replace: bool,
    mend: bool = False,
    read: Callable[[Path, str], Manifest] = manifest.read,
) -> None:
    """Raises unless a folder of this ``kind`` may be written to ``path``.

    Args:
        path: the folder.
        kind: what will be written, as its manifest says.
        told: how the user named it, such as ``--run mine``.
        replace: whether a folder of the same kind may be replaced.
        mend: whether any folder may be replaced, since the place is preroll's; what is not is moved into the new one.
        read: reads the manifest.

    Raises:
        PrerollError: something else is there, or a file that would be lost, or one of the kind and not ``replace``.
    """
    target = atomic.current(atomic.destination(path))
    if not target.exists():
        return
    if not target.is_dir():
        raise PrerollError(f"{told}: is a file; a folder is needed")
    there = files_below(target)
    if mend or not there:
        return
    try:
        found = read(target, kind)
    except FileNotFoundError:
        reason = f"holds {there[0]}, and is no {kind} of preroll"
        raise PrerollError(f"{told}: the folder {reason}; choose another folder") from None
    except PrerollError as error:
        raise PrerollError(f"{told}: cannot be replaced: {error}; choose another folder") from None
    if not replace:
        raise PrerollError(f"{told}: the {kind} exists; choose another folder, or replace it with --replace")
    if strange := found.strangers():
        more = f" and {len(strange) - 1} more" if strange[1:] else ""
        raise PrerollError(f"{told}: {strange[0]}{more} is no part of the {kind} there and would be lost; move it away")
