"""The manifest of a catalog: the contents of its folder, with the size, shape and hash of every file.

``manifest.json`` is written last: a folder without one is not a catalog. It contains no dates, durations, worker counts
or absolute paths, so building the same videos twice produces the same bytes.
"""

import json
from pathlib import Path, PurePosixPath
from shlex import quote
from typing import Any

from preroll.errors import PrerollError
from preroll.files.hashing import sha256_of

NAME = "manifest.json"
FORMAT = "preroll-catalog"
VERSION = 1

REQUIRED_FILES = (
    "classes.json",
    "videos.csv",
    "category.npy",
    "importance.npy",
    "neighbors.npy",
    "neighbor_scores.npy",
)
_KEYS: dict[str, type] = {
    "format": str,
    "version": int,
    "command": str,
    "categories": list,
    "videos": int,
    "files": dict,
}


def read_manifest(folder: Path) -> dict[str, Any]:
    """Reads and checks ``folder/manifest.json``.

    Returns:
        The manifest: ``format``, ``version``, ``command``, ``categories`` (sorted names), ``videos`` (rows of the
        arrays), ``files`` (name → ``sha256``, ``bytes`` and, for arrays, ``shape`` and ``dtype``), and the entries that
        the build adds.

    Raises:
        PrerollError: if the folder or the manifest is missing, is not JSON, lacks a key or has an unknown version.
    """
    if not folder.is_dir():
        raise PrerollError(
            f"catalog {folder}: no such folder; make one with `preroll catalog build VIDEOS --out {quote(str(folder))}`"
        )
    path = folder / NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise PrerollError(
            f"catalog {folder}: it has no {NAME}, so it is no catalog or its build did not finish"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PrerollError(f"catalog {folder}: {NAME} cannot be read: {error}") from None
    return parse_manifest(text, path)


def parse_manifest(text: str, path: Path) -> dict[str, Any]:
    """Parses and checks the text of a manifest; ``path`` is used in error messages only."""
    try:
        manifest = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PrerollError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise PrerollError(f"{path}: key 'format' must be {FORMAT!r}; this is no catalog")
    if manifest.get("version") != VERSION:
        raise PrerollError(
            f"{path}: version {manifest.get('version')!r} is not known; this preroll reads version {VERSION}"
        )
    for key, kind in _KEYS.items():
        if not isinstance(manifest.get(key), kind) or isinstance(manifest[key], bool):
            raise PrerollError(f"{path}: key {key!r} must be a {kind.__name__}, not {manifest.get(key)!r}")
    _check_categories(manifest["categories"], path)
    if manifest["videos"] < 1:
        raise PrerollError(f"{path}: key 'videos' must be at least 1, not {manifest['videos']}")
    _check_files(manifest["files"], path)
    return manifest


def _check_categories(categories: list[Any], path: Path) -> None:
    if not categories or not all(isinstance(name, str) and name for name in categories):
        raise PrerollError(f"{path}: key 'categories' must list at least one name, not {categories!r}")
    if sorted(set(categories)) != categories:
        raise PrerollError(f"{path}: key 'categories' must be sorted and without repeats, not {categories!r}")


def _check_files(files: dict[str, Any], path: Path) -> None:
    for name in REQUIRED_FILES:
        if name not in files:
            raise PrerollError(f"{path}: key 'files' lacks {name}")
    for name, entry in files.items():
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or "\\" in name or "\0" in name or not pure.parts:
            raise PrerollError(f"{path}: key 'files' names {name!r}, which is not inside the catalog")
        if not isinstance(entry, dict) or not isinstance(entry.get("sha256"), str):
            raise PrerollError(f"{path}: key 'files', {name!r}: must have a sha256, not {entry!r}")
        if name.endswith(".npy") and not _is_shape(entry.get("shape")):
            raise PrerollError(
                f"{path}: key 'files', {name!r}: shape must be a list of sizes, not {entry.get('shape')!r}"
            )


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, list) and all(type(size) is int and size >= 0 for size in shape)


def altered_files(folder: Path, manifest: dict[str, Any]) -> list[str]:
    """Rehashes every file and returns one line for each that is missing, altered or not in the manifest."""
    findings = []
    for name, entry in sorted(manifest["files"].items()):
        path = folder / name
        if not path.is_file():
            findings.append(f"{name}: missing")
        elif sha256_of(path) != entry["sha256"]:
            findings.append(f"{name}: its content does not match the manifest")
    known = {*manifest["files"], NAME}
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    findings += [f"{name}: not in the manifest" for name in sorted(found - known)]
    return findings
