"""Where a command may write: asked before its work begins."""

from pathlib import Path

from preroll.errors import PrerollError
from preroll.files import atomic, manifest
from preroll.files.names import files_below


def check_folder(path: Path, kind: str, told: str, *, replace: bool, mend: bool = False) -> None:
    """Raises unless a folder of this ``kind`` may be written to ``path``.

    Args:
        path: the folder.
        kind: what will be written, as its manifest says.
        told: how the user named it, such as ``--run mine``.
        replace: whether a folder of the same kind may be replaced.
        mend: whether any folder may be replaced, since the place is preroll's; what is not is moved into the new one.

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
        found = manifest.read(target, kind)
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
