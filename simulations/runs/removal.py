"""Removal of runs: only files that preroll wrote, and no run that is being written."""

import os
from dataclasses import dataclass
from pathlib import Path

from preroll.console.nearest import meant, neighbors
from preroll.errors import PrerollError
from preroll.files import atomic, manifest
from preroll.files.names import is_nobodys
from preroll.run_folder import RESULT
from preroll.simulations.runs.run_files import contents, folders, is_run, strangers
from preroll.simulations.training import checkpoint

#: The first and the last to go, by name: whatever is left of a run is no complete one, and still known as a run's.
_ORDER = {manifest.NAME: 0, RESULT: 1, "loop.json": 1, "settings.yaml": 3, "scenario.yaml": 4}


@dataclass(frozen=True)
class Removal:
    """A run that may be removed.

    Attributes:
        run: its folder.
        folders: those that go: its own, its checkpoint, and those that a killed training left.
        files: the files in them.
        size: their bytes.
    """

    run: Path
    folders: tuple[Path, ...]
    files: tuple[Path, ...]
    size: int

    def carry_out(self) -> None:
        """Removes the files, then the folders.

        Raises:
            PrerollError: one cannot be removed, or the run is being written now.
        """
        with atomic.writing(self.run, f"run {self.run}"):
            for file in sorted(self.files, key=lambda file: (_ORDER.get(file.name, 2), len(file.parts))):
                _remove(file)
            for folder in self.folders:
                for place, _, files in os.walk(folder, topdown=False):
                    for name in filter(is_nobodys, files):
                        _remove(Path(place) / name)
                    _remove(Path(place))
            checkpoint.remove(self.run)


def prepare_removal(run: Path) -> Removal:
    """Returns what would be removed with ``run``.

    Raises:
        PrerollError: it is no run, is being written, or holds files that preroll did not write.
    """
    path = Path(os.path.abspath(run))
    if path.is_symlink():
        raise PrerollError(f"run {run}: is a link; name the folder that it leads to")
    found = folders(path)
    if not found or (path.exists() and not is_run(path)):
        told = "is no run" if path.exists() else f"no such run{meant(run, neighbors(run)).rstrip('?')}"
        raise PrerollError(f"run {run}: {told}; nothing was removed")
    if atomic.is_locked(path):
        raise PrerollError(f"run {run}: is being written; stop its training first, or wait for its end")
    for folder in found:
        if others := strangers(folder):
            more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
            raise PrerollError(f"run {run}: holds {others[0]}{more}, which preroll did not write; nothing was removed")
    files = tuple(file for folder in found for file in contents(folder) if file.is_symlink() or not file.is_dir())
    return Removal(run, tuple(found), files, sum(file.lstat().st_size for file in files))


def _remove(path: Path) -> None:
    try:
        path.unlink() if path.is_symlink() or not path.is_dir() else path.rmdir()
    except FileNotFoundError:
        return
    except OSError as error:
        raise PrerollError(f"{path}: cannot be removed: {error.strerror}") from None
