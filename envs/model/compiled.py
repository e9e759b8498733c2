"""Compiled tables by content, so that another environment of the same scenario and catalog costs no compilation.

A scenario's file is known by its bytes and a catalog by its manifest and by the state of its files, so that what was
edited, or damaged, in between is read again. Arrays of shared tables are read-only; whoever wants to change some
compiles tables of their own.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from preroll.envs.model.tables import Tables
from preroll.envs.scenario.scenario import Scenario
from preroll.perception.catalog.catalog import Catalog

#: Entries of each kind, and the largest tables that are kept [bytes].
MOST, LARGEST = 8, 2**25

_KEPT: dict[str, dict[Any, Any]] = {"scenario": {}, "catalog": {}, "tables": {}}
Value = TypeVar("Value")


def compiled_tables(scenario: "str | Path | Mapping[str, Any] | Scenario", catalog: "str | Path | Catalog") -> Tables:
    """Returns what :meth:`Tables.compile` does; the same object for the same contents while it is kept.

    Raises:
        PrerollError: As :meth:`Tables.compile`.
    """
    loaded = _scenario(scenario)
    if isinstance(catalog, Catalog):  # its arrays may be assigned
        return Tables.compile(loaded, catalog)
    opened, content = _catalog(catalog)
    if content is None:
        return Tables.compile(loaded, opened)
    key = (loaded.model_dump_json(), content)
    return _kept("tables", key, lambda: _read_only(Tables.compile(loaded, opened)), lambda t: _bytes(t) <= LARGEST)


def _kept(kind: str, key: Any, made: Callable[[], Value], fits: Callable[[Value], bool] = lambda _: True) -> Value:
    """Returns the value of a key, made if it is not kept; the oldest gives way."""
    kept = _KEPT[kind]
    if key not in kept:
        value = made()
        if not fits(value):
            return value
        kept[key] = value
        while len(kept) > MOST:
            kept.pop(next(iter(kept)), None)
        return value
    found: Value = kept[key]
    return found


def _read_only(tables: Tables) -> Tables:
    """Returns the tables with arrays that nobody can write to: other environments have the same ones."""
    packed = type(tables.packed)._make(array.view() for array in tables.packed)
    arrays = type(tables.arrays)._make(array.view() for array in tables.arrays)
    for array in (*packed, *arrays):
        array.flags.writeable = False
    return replace(tables, packed=packed, arrays=arrays)


def _bytes(tables: Tables) -> int:
    return sum(array.nbytes for array in (*tables.packed, *tables.arrays))


def _scenario(scenario: "str | Path | Mapping[str, Any] | Scenario") -> Scenario:
    path = None if isinstance(scenario, Scenario | Mapping) else Scenario.file(scenario)
    if path is None or not path.is_file():
        return Scenario.load(scenario)
    return _kept("scenario", (str(path), path.read_bytes()), lambda: Scenario.load(scenario))


def _catalog(catalog: "str | Path") -> tuple[Catalog, Any]:
    """Returns a catalog on disk and its content: path, manifest and the state of every file; None if unreadable."""
    folder = Catalog.folder(catalog)
    try:
        states = [(entry.name, entry.stat()) for entry in sorted(folder.iterdir()) if entry.is_file()]
        text = (folder / "manifest.json").read_bytes()
    except OSError:
        return Catalog.load(catalog), None
    content = (
        str(folder),
        text,
        *((name, s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for name, s in states),
    )
    return _kept("catalog", content, lambda: Catalog.load(catalog)), content
