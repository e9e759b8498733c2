"""The manifest of a catalog: the contents of its folder, with the size, shape and hash of every file.

``manifest.json`` is written last: a folder without one is not a catalog. It contains no dates, durations, worker counts
or absolute paths, so building the same videos twice produces the same bytes. Since version 1 was sealed it is checked
as a whole; manifests of older builds, which have no seal, are still read.
"""

import hashlib
import json
from pathlib import Path
from shlex import quote
from typing import Any

from numpy.typing import NDArray

from preroll.console.nearest import meant, neighbors
from preroll.errors import PrerollError
from preroll.files import atomic, manifest, sealed
from preroll.files.manifest import NAME, Manifest
from preroll.files.sealed import DamagedError

KIND = "catalog"
REQUIRED_FILES = (
    "classes.json",
    "videos.csv",
    "category.npy",
    "importance.npy",
    "neighbors.npy",
    "neighbor_scores.npy",
)
#: Key of the labels of the ads of ``response.npy``, ``group.name``: those of its columns.
RESPONSE_ADS = "response_ads"
#: Key of a catalog without videos: how its content was planted.
SYNTHETIC = "synthetic"
_KEYS: dict[str, type] = {"command": str, "categories": list, "videos": int}
#: More videos than these have no place in the arrays, whose indices are int32.
_MOST = 2**31 - 1


def read_manifest(folder: Path) -> Manifest:
    """Reads and checks the manifest of the catalog ``folder``; of one that a killed writer set aside if it is missing.

    Returns:
        The manifest: ``format``, ``version``, ``command``, ``categories`` (sorted names), ``videos`` (rows of the
        arrays), ``files`` (name → ``sha256``, ``bytes`` and, for arrays, ``shape`` and ``dtype``), and the entries that
        the build adds.

    Raises:
        PrerollError: if the folder or the manifest is missing, is not what was written, lacks a key or has an unknown
            version.
    """
    place = atomic.current(folder)
    if not place.is_dir():
        told = f"; make one with `preroll catalog build VIDEOS --out {quote(str(folder))}`"
        raise PrerollError(f"catalog {folder}: no such folder{meant(folder, ['demo', *neighbors(folder)]) or told}")
    try:
        return read_manifest_in(place)
    except FileNotFoundError:
        raise PrerollError(
            f"catalog {folder}: it has no {NAME}, so it is no catalog or its build did not finish"
        ) from None


def read_manifest_in(folder: Path) -> Manifest:
    """Reads and checks the manifest in ``folder``.

    Raises:
        FileNotFoundError: there is none.
        PrerollError: as :func:`read_manifest`.
    """
    return parse_manifest(sealed.read_text(folder / NAME), folder)


def parse_manifest(text: str, folder: Path) -> Manifest:
    """Parses and checks the text of the manifest of ``folder``.

    Raises:
        PrerollError: as :func:`read_manifest`.
    """
    path = folder / NAME
    try:
        content = sealed.unsealed(text, path) if sealed.is_sealed(text) else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{path}: is damaged: it is not valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise DamagedError(f"{path}: must be a mapping; this is no catalog")
    found = manifest.checked(content, folder, KIND)
    for key, kind in _KEYS.items():
        if not isinstance(content.get(key), kind) or isinstance(content[key], bool):
            raise PrerollError(f"{path}: key {key!r} must be a {kind.__name__}, not {content.get(key)!r}")
    _check_categories(content["categories"], path)
    if not 1 <= content["videos"] <= _MOST:
        raise PrerollError(f"{path}: key 'videos' must be at least 1, and below 2**31, not {content['videos']}")
    _check_files(found, path)
    return found


def about_array(array: NDArray[Any] | None) -> dict[str, Any]:
    """Returns what the manifest says of an array beside its hash and size; of another file nothing."""
    return {} if array is None else {"dtype": str(array.dtype), "shape": list(array.shape)}


def identity(found: Manifest) -> str:
    """Returns the hash of what a catalog is: its categories, names and hashes of its files, and ads of its response."""
    files = sorted((name, entry["sha256"]) for name, entry in found.files.items())
    ads = [found.content[RESPONSE_ADS]] if "response.npy" in found.files else []
    return hashlib.sha256(json.dumps([found.content["categories"], files, *ads]).encode()).hexdigest()


def _check_categories(categories: list[Any], path: Path) -> None:
    if not categories or not all(isinstance(name, str) and name for name in categories):
        raise PrerollError(f"{path}: key 'categories' must list at least one name, not {categories!r}")
    if sorted(set(categories)) != categories:
        raise PrerollError(f"{path}: key 'categories' must be sorted and without repeats, not {categories!r}")


def _check_files(found: Manifest, path: Path) -> None:
    for name in REQUIRED_FILES:
        if name not in found.files:
            raise PrerollError(f"{path}: key 'files' lacks {name}")
    for name, entry in found.files.items():
        if name.endswith(".npy") and not _is_shape(entry.get("shape")):
            raise PrerollError(
                f"{path}: key 'files', {name!r}: shape must be a list of sizes, not {entry.get('shape')!r}"
            )
    if "response.npy" in found.files:
        _check_ads(found.content.get(RESPONSE_ADS), path)


def _check_ads(ads: Any, path: Path) -> None:
    if not isinstance(ads, list) or not ads or not all(isinstance(ad, str) for ad in ads):
        raise PrerollError(f"{path}: key {RESPONSE_ADS!r} must list the ads of response.npy, not {str(ads)[:100]}")
    if sorted(set(ads)) != ads:
        raise PrerollError(f"{path}: key {RESPONSE_ADS!r} must be sorted and without repeats, not {str(ads)[:100]}")


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, list) and all(type(size) is int and size >= 0 for size in shape)
