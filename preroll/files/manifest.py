"""Manifest of a folder: the hashes of its files, written last.

A folder without one is not complete. Whoever reads a file that a manifest names gets it as it was written, or an error.
Files that no manifest names, such as notes, are no error. A folder inside that has a manifest of its own is read
through that one.
"""

import hashlib
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.bounded import limits
from preroll.bounded.readers import parse_json
from preroll.errors import PrerollError
from preroll.files import sealed, work_folder
from preroll.files.hashing import sha256_of
from preroll.files.names import checked_name, files_below, parents_of
from preroll.files.sealed import DamagedError

NAME = "manifest.json"
VERSION = 1

#: States of files, as told by the file system, whose hashes this process has compared with a manifest.
_VERIFIED: dict[tuple[Any, ...], str] = {}


def write(
    folder: Path,
    kind: str,
    facts: Mapping[str, Any] | None = None,
    *,
    about: Callable[[str], Mapping[str, Any]] = lambda _: {},
) -> None:
    """Writes the manifest of all files that are in ``folder`` now.

    Args:
        folder: a folder whose other files are complete.
        kind: what the folder is, such as ``run``; stored as the format ``preroll-run``.
        facts: further entries.
        about: what is stored with a file beside its hash and size, by name.
    """
    files = {}
    for name in _content(folder):
        if name != NAME and (folder / name).is_file():
            files[name] = {"sha256": sha256_of(folder / name), "bytes": (folder / name).stat().st_size, **about(name)}
    content = {"format": f"preroll-{kind}", "version": VERSION, **(facts or {}), "files": files}
    with (folder / NAME).open("w", encoding="utf8", newline="\n") as file:
        file.write(sealed.text_of(content))
        file.flush()
        os.fsync(file.fileno())


@dataclass(frozen=True)
class Manifest:
    """Manifest of a folder, as read.

    Attributes:
        folder: the folder.
        kind: what it is, such as ``run``.
        content: all entries.
    """

    folder: Path
    kind: str
    content: Mapping[str, Any]

    @property
    def files(self) -> Mapping[str, Mapping[str, Any]]:
        """Entries of the files, by name."""
        files: Mapping[str, Mapping[str, Any]] = self.content["files"]
        return files

    def verified(self, name: str) -> Path:
        """Returns the path of a file after its hash was compared, once for every process and state of the file.

        Raises:
            DamagedError: it is missing, cannot be read, or is not what was written.
        """
        path = self.folder / name
        expected = self._entry(name)["sha256"]
        try:
            state = path.stat()
            # No tool sets the time of the last change of state back, as of a file copied together with its times.
            key = (str(path), state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
            if _VERIFIED.get(key) != expected:
                if sha256_of(path) != expected:
                    raise self._differs(path)
                _VERIFIED[key] = expected
        except OSError as error:
            raise DamagedError(f"{path}: cannot be read: {error.strerror or error}") from None
        return path

    def read_bytes(self, name: str) -> bytes:
        """Returns the content of a file, which is what was written.

        Raises:
            DamagedError: it is missing, cannot be read, or is not what was written.
        """
        path, expected = self.folder / name, self._entry(name)["sha256"]
        try:
            content = path.read_bytes()
        except OSError as error:
            raise DamagedError(f"{path}: cannot be read: {error.strerror or error}") from None
        if hashlib.sha256(content).hexdigest() != expected:
            raise self._differs(path)
        return content

    def read_text(self, name: str) -> str:
        """Returns the text of a file; raises as :meth:`read_bytes`."""
        return self.read_bytes(name).decode()

    def read_json(self, name: str) -> Any:
        """Returns the content of a JSON file; raises as :meth:`read_bytes`."""
        try:
            return parse_json(self.read_bytes(name), limits.ID_TEXT)
        except ValueError as error:
            raise DamagedError(f"{self.folder / name}: is no JSON that was written here: {error}") from None

    def read_array(self, name: str) -> NDArray[Any]:
        """Returns an array in NumPy's format; raises as :meth:`read_bytes`."""
        array: NDArray[Any] = np.load(io.BytesIO(self.read_bytes(name)), allow_pickle=False)
        return array

    def strangers(self) -> list[str]:
        """Returns the names of what is in the folder and neither named here nor nobody's."""
        return strangers(self.folder, {*self.files, NAME})

    def altered(self) -> list[str]:
        """Returns a line for every file that is missing, not what was written, or not named here."""
        lines = []
        for name, entry in sorted(self.files.items()):
            path = self.folder / name
            if not path.is_file():
                lines.append(f"{name}: missing")
            elif sha256_of(path) != entry["sha256"]:
                lines.append(f"{name}: its content does not match the manifest")
        return lines + [f"{name}: not in the manifest" for name in self.strangers()]

    def _entry(self, name: str) -> Mapping[str, Any]:
        if name not in self.files:
            raise DamagedError(f"{self.folder / NAME}: does not name {name}, so this is no {self.kind}")
        return self.files[name]

    def _differs(self, path: Path) -> DamagedError:
        return DamagedError(f"{path}: is not the file that was written: its sha256 differs from {NAME}")


def strangers(folder: Path, known: set[str]) -> list[str]:
    """Returns what is in ``folder`` and neither in ``known`` nor nobody's."""
    return [name for name in _content(folder) if name not in known | parents_of(known)]


def _content(folder: Path) -> list[str]:
    """Returns what is in ``folder``, less the work folder of who fills it file by file."""
    ours = work_folder.is_ours(work_folder.within(folder), folder.name)
    return [name for name in files_below(folder) if not (ours and name.split("/")[0] == work_folder.SUFFIX)]


def read(folder: Path, kind: str | None = None) -> Manifest:
    """Reads the manifest of a folder of this ``kind``, by default of any.

    Raises:
        FileNotFoundError: there is no manifest.
        DamagedError: it is not what was written.
        PrerollError: the folder is of another kind or version.
    """
    path = folder / NAME
    return checked(sealed.read(path), folder, kind)


def checked(content: dict[str, Any], folder: Path, kind: str | None) -> Manifest:
    """Returns the manifest with this content if it is of this kind; None takes any.

    Raises:
        DamagedError: it has no files.
        PrerollError: it is of another kind or version, or names a file outside the folder.
    """
    path = folder / NAME
    told = content.get("format")
    if not str(told).startswith("preroll-") or kind not in (None, str(told).removeprefix("preroll-")):
        raise PrerollError(f"{path}: format is {told!r}, so {folder} is no {kind or 'folder of preroll'}")
    if type(content.get("version")) is not int or content["version"] != VERSION:
        raise PrerollError(f"{path}: version {content.get('version')!r} is not known; this preroll reads {VERSION}")
    files = content.get("files")
    if not isinstance(files, dict):
        raise DamagedError(f"{path}: key 'files' must be a mapping, not {str(files)[:100]!r}")
    for name, entry in files.items():
        checked_name(name, f"{path}: key 'files'")
        if not isinstance(entry, dict) or not isinstance(entry.get("sha256"), str):
            raise DamagedError(f"{path}: key 'files', {name!r}: must have a sha256, not {str(entry)[:100]}")
    return Manifest(folder, str(told).removeprefix("preroll-"), content)


def kind_of(folder: Path) -> str | None:
    """Returns what a folder is by its manifest, or None if there is no manifest that can be read."""
    try:
        return read(folder).kind
    except (OSError, PrerollError):
        return None
