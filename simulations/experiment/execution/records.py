"""What results and reports need of every finished cell, read once and kept from call to call.

``records.json`` holds, for every cell, what was read of its run and the states of its files, as the file system tells
them. A cell whose files have these states is not read again. Nothing is lost with the file, or where it cannot be kept.
"""

import hashlib
import json
import math
import os
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from preroll.errors import PrerollError
from preroll.files import atomic, manifest, sealed
from preroll.simulations.experiment.execution.cell import CELL, SETTINGS, check_cell, read_cell
from preroll.simulations.feedback.feedback import KEY
from preroll.simulations.training.curves import Curve
from preroll.simulations.training.provenance import merged
from preroll.simulations.training.run import RunSettings, parse_settings, read_manifest, read_result
from preroll.tensorboard_writer import NAME as EVENTS
from preroll.yaml_config import validated

RECORDS = "records.json"
FORMAT = 1
#: Entries of a record that are often those of other cells.
SHARED = ("settings", "provenance", "feedback", "catalog")
#: What :func:`_read` returns, as plain values.
Record = Mapping[str, Any]


class Records:
    """Records of the cells of one experiment.

    Args:
        file: where they are kept.
    """

    def __init__(self, file: Path) -> None:
        self._file, self._new = file, 0
        self._shared: dict[str, Any] = {}
        self._known: dict[str, dict[str, Any]] = {}
        with suppress(PrerollError, OSError, KeyError, TypeError, AttributeError):
            content = sealed.read(file)
            if content["format"] == FORMAT:
                self._known = {name: self._slim(known) for name, known in content["cells"].items()}

    def of(self, name: str, folder: Path) -> Record:
        """Returns the record of a cell.

        Args:
            name: id of the cell.
            folder: its run folder.

        Raises:
            PrerollError: one of its files is not what was written.
        """
        place, known = atomic.current(folder), self._known.get(name)
        if known is None or known["state"] != _state(place, known["files"]):
            names = [manifest.NAME, *(one for one in read_manifest(folder).files if one != EVENTS)]
            state = _state(place, names)  # before the files are read: what changes later differs from it
            known = self._slim({"files": names, "state": state, "record": _read(folder)})
            self._known[name], self._new = known, self._new + 1
        found: Record = known["record"]
        return found

    def _slim(self, known: dict[str, Any]) -> dict[str, Any]:
        """Returns what is known of a cell, whose parts that many cells share are one object: they fill the memory."""
        for holder, names in ((known, ("files",)), (known["record"], SHARED)):
            for name in names:
                holder[name] = self._shared.setdefault(json.dumps(holder[name]), holder[name])
        return known

    def keep(self, names: Collection[str]) -> None:
        """Writes the records of these cells, if any is new and the file may be written."""
        if not self._new:
            return
        self._known = {name: known for name, known in self._known.items() if name in names}
        with suppress(PrerollError, OSError, ValueError):  # of NaN, which is no result
            atomic.write_sealed(self._file, {"format": FORMAT, "cells": self._known}, indent=None)
            self._new = 0


def _state(folder: Path, names: Iterable[str]) -> str:
    """Returns a hash of the states of files; no tool sets back when they last changed."""
    digest = hashlib.blake2b(digest_size=16)
    for name in names:
        digest.update(name.encode())
        with suppress(OSError):
            found = os.stat(f"{folder}/{name}")
            told = found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino
            digest.update(repr(told).encode())
    return digest.hexdigest()


def _read(folder: Path) -> dict[str, Any]:
    """Reads a cell after every file of it was compared with the manifest.

    Returns:
        ``fingerprint``, ``evaluation`` and ``evaluation_cpu_seconds`` as ``cell.json`` has them; ``steps`` and ``cost``
        of the training; ``settings`` of the agent, all of them; ``catalog``, its path; ``feedback``, when it came and
        what was earned meanwhile; ``provenance`` of training and evaluation in one.
    """
    check_cell(folder)
    told, files = read_cell(folder), read_manifest(folder)
    result, settings = read_result(files), _settings(told, files, folder / "settings.yaml")
    feedback = {f"{KEY}.{name}": value for name, value in settings.feedback.model_dump().items()}
    earned = Curve.from_dict(result["curve"]).percent_earned()
    try:
        return {
            **{name: told[name] for name in ("fingerprint", "training_fingerprint", "evaluation")},
            "evaluation_cpu_seconds": told["evaluation_cpu_seconds"],
            "steps": result["steps"],
            "cost": {name: result["cost"][name] for name in ("seconds", "cpu_seconds")},
            "settings": settings.settings,
            "catalog": settings.catalog.path,
            "feedback": {**feedback, "earned_while_learning": earned if math.isfinite(earned) else None},
            "provenance": merged(result, told["provenance"]),
        }
    except (KeyError, TypeError) as error:
        raise PrerollError(f"{folder / CELL}: lacks what a cell holds: {error}") from None


def _settings(told: Mapping[str, Any], files: manifest.Manifest, path: Path) -> RunSettings:
    if SETTINGS in told:
        return validated(RunSettings, told[SETTINGS], str(path))
    return parse_settings(files.read_text(path.name), path)
