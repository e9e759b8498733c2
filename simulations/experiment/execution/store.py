"""Folder of an experiment, and the states of its cells.

```
plan.json        all cells: their inputs; names of earlier cells; hash of experiment.yaml; sealed
experiment.yaml  copy of the file that was run
failures.json    cells that failed, with their errors; sealed
cells/POINT/AGENT/seed-K/    one run each, complete or absent
records.json     what was read of cells that are done; sealed, and made anew where it is missing
overview/POINT/AGENT/        the mean curve of an agent at a point, of 30 at most; TensorBoard's logdir, as ``cells`` is
.preroll         work folder of whoever runs it
```
"""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from preroll.console.nearest import meant, neighbors
from preroll.errors import PrerollError
from preroll.files import atomic, sealed, work_folder
from preroll.files.hashing import sha256_of_text
from preroll.files.names import checked_name, is_nobodys
from preroll.simulations.experiment.design.names import known_as
from preroll.simulations.experiment.design.plan import Cell, Plan
from preroll.simulations.experiment.execution.cell import CELL
from preroll.simulations.experiment.execution.records import RECORDS, Record, Records

PLAN = "plan.json"
FILE = "experiment.yaml"
FAILURES = "failures.json"
CELLS = "cells"
OVERVIEW = "overview"
FORMAT = 5
#: Fields of cells that hold scenarios: without variation, and of training.
WORLDS = ("base", "training")
#: Fields of cells that tell what their names are of.
DESCRIBED = ("values", "catalog_sha256", "agent", "settings")


class CellState(StrEnum):
    """State of a cell."""

    DONE = "done"
    CHANGED = "changed"  # its run has other settings than the plan
    DAMAGED = "damaged"  # a file of its run is not what was written
    FAILED = "failed"
    MISSING = "missing"


@dataclass(frozen=True)
class Store:
    """Folder of an experiment.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def logdir(self) -> Path:
        """TensorBoard's logdir, with one run per cell."""
        return self.path / CELLS

    @property
    def overview(self) -> Path:
        """TensorBoard's logdir of the means over seeds."""
        return self.path / OVERVIEW

    def folder(self, cell: Cell) -> Path:
        """Returns the run folder of a cell."""
        return self.logdir / cell.id

    def check(self) -> None:
        """Raises unless an experiment may be run in this folder.

        Raises:
            PrerollError: the folder holds something else, or is a file.
        """
        if self.path.exists() and not self.path.is_dir():
            raise PrerollError(f"--out {self.path}: is a file; a folder is needed")
        names = [entry.name for entry in self.path.iterdir()] if self.path.exists() else []
        there = [
            name
            for name in names
            if not (name[0] == "." and name.endswith(work_folder.SUFFIX)) and not is_nobodys(name)
        ]
        if there and not self._is_experiment():
            raise PrerollError(f"--out {self.path}: is no folder of an experiment and is not empty; name another one")

    def _is_experiment(self) -> bool:
        """Returns whether the plan is one of an experiment, be it damaged: other folders have a file of that name."""
        try:
            text = sealed.read_text(self.path / PLAN)
        except FileNotFoundError:
            return False
        except PrerollError:
            return self.logdir.is_dir()
        return not text or sealed.is_sealed(text) or self.logdir.is_dir()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Prevents other processes from running the same folder; the lock ends with the process, even if it is killed.

        Raises:
            PrerollError: another process runs it.
        """
        with atomic.writing_within(self.path, f"--out {self.path}"):
            yield

    def write_plan(self, plan: Plan, text: str) -> None:
        """Writes the plan and the text of its experiment file."""
        cells = [cell.to_dict() for cell in plan.cells]
        now = plan.names
        content = {
            "format": FORMAT,
            "name": plan.name,
            "description": plan.description,
            "file_sha256": sha256_of_text(text),
            "keys": dict(plan.keys),
            "names": {one: name for one, name in self.names().items() if one not in now},
            **_without_repetition(cells),
        }
        atomic.write_sealed(self.path / PLAN, content, indent=None)  # first: it marks the folder as an experiment
        atomic.write_text(self.path / FILE, text)

    def keep_names(self, plan: Plan) -> Plan:
        """Returns ``plan``, in which points and agents that had a name in this folder keep it."""
        names = self.names()
        return plan.keeping(names) if names else plan

    def names(self) -> dict[str, str]:
        """Returns the names that the plans so far gave to points and agents; a damaged plan gave none."""
        try:
            content = sealed.read(self.path / PLAN)
            names, cells = dict(content.get("names", {})), content["cells"]
            known = known_as([tuple(cell[name] for name in DESCRIBED) for cell in cells])
            for (point, agent, _), cell in zip(known, cells, strict=True):
                names[point], names[agent] = cell["point"], cell["label"].partition("@")[0]
            return {one: _part(name, f"{self.path / PLAN}: name") for one, name in names.items()}
        except (PrerollError, OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def read_plan(self) -> Plan:
        """Returns the plan of the last run.

        Raises:
            PrerollError: there is no plan, or it cannot be read.
        """
        try:
            content = sealed.read(self.path / PLAN)
            if content["format"] != FORMAT:
                raise PrerollError(f"{self.path / PLAN}: format must be {FORMAT}, not {content['format']}")
            scenarios = content["scenarios"]
            cells = tuple(
                Cell(**cell | {name: scenarios[cell[name]] for name in WORLDS if cell[name] is not None})
                for cell in content["cells"]
            )
            for cell in cells:
                checked_name(cell.id, f"{self.path / PLAN}: cell")
            return Plan(content["name"], content["description"], content["keys"], cells)
        except FileNotFoundError:
            near = meant(self.path, neighbors(self.path)) if not self.path.exists() else ""
            made = near or "; make one with `preroll experiment run FILE --out DIR`"
            raise PrerollError(f"{self.path}: is no folder of an experiment{made}") from None
        except sealed.DamagedError as error:
            raise PrerollError(f"{error}; `preroll experiment run FILE --out {self.path}` writes it anew") from None
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise PrerollError(f"{self.path / PLAN}: cannot be read: {error}") from None

    def read_text(self) -> str:
        """Returns the text of the experiment file that was run, or a sentence that its copy is not that text."""
        path = self.path / FILE
        try:
            text = sealed.read_text(path)
            if sha256_of_text(text) == sealed.read(self.path / PLAN).get("file_sha256"):
                return text
        except (FileNotFoundError, sealed.DamagedError):
            pass
        return f"{FILE} is missing or not the file that was run: its sha256 differs from that in {PLAN}"

    def states(self, plan: Plan) -> dict[str, CellState]:
        """Returns the state of every cell by id."""
        failures, damage = self._failures()
        absent = CellState.DAMAGED if damage else CellState.MISSING
        told = {cell.id: self._state(cell, CellState.FAILED if cell.id in failures else absent) for cell in plan.cells}
        self._records.keep(told.keys())
        return told

    def done(self, cells: Sequence[Cell]) -> list[Cell]:
        """Returns those of some cells that are done."""
        return [cell for cell in cells if self._state(cell, CellState.MISSING) is CellState.DONE]

    def record(self, cell: Cell) -> Record:
        """Returns what results and reports need of a cell that is done, which is read once.

        Raises:
            PrerollError: one of its files is not what was written.
        """
        return self._records.of(cell.id, self.folder(cell).absolute())

    @cached_property
    def _records(self) -> Records:
        return Records(self.path / RECORDS)

    def _state(self, cell: Cell, absent: CellState) -> CellState:
        folder = self.folder(cell).absolute()
        if not atomic.current(folder).exists():
            return absent
        try:
            found = self._records.of(cell.id, folder)
            if found["fingerprint"] != cell.fingerprint:
                return CellState.CHANGED
            return CellState.DONE if _is_result(found["evaluation"]) else CellState.FAILED
        except (PrerollError, KeyError):
            return CellState.DAMAGED

    def failures(self) -> dict[str, str]:
        """Returns the error of every cell that failed, by id; a damaged file tells of none, and they are run again."""
        return self._failures()[0]

    def _failures(self) -> tuple[dict[str, str], str]:
        """Returns the errors by id, and what is damaged of their file."""
        try:
            return dict(sealed.read(self.path / FAILURES)["failures"]), ""
        except FileNotFoundError:
            return {}, ""
        except (PrerollError, KeyError, TypeError, ValueError) as error:
            return {}, f"it may have failed: {error}"

    def reasons(self, states: Mapping[str, CellState]) -> dict[str, str]:
        """Returns why each of the cells that failed did, and what is damaged of others, by id."""
        told = self.failures()
        return {
            name: told.get(name, f"{CELL}: its revenue is no number")
            if state is CellState.FAILED
            else self._damage(name)
            for name, state in states.items()
            if state in (CellState.FAILED, CellState.DAMAGED)
        }

    def _damage(self, name: str) -> str:
        """Returns what is damaged of the cell with an id."""
        folder = (self.logdir / name).absolute()
        if not atomic.current(folder).exists():
            return self._failures()[1]
        try:
            self._records.of(name, folder)
        except PrerollError as error:
            return str(error).removeprefix(f"{folder}/")
        return f"{CELL}: lacks what a cell holds"

    def write_failures(self, failures: Mapping[str, str]) -> None:
        """Writes the errors of the cells that failed."""
        if failures or (self.path / FAILURES).exists():
            atomic.write_sealed(self.path / FAILURES, {"failures": dict(failures)})

    def strays(self, plan: Plan) -> list[str]:
        """Returns the ids of runs that are not cells of the plan; they are never deleted."""
        ids = {cell.id for cell in plan.cells}
        found = (path.parent.relative_to(self.logdir).as_posix() for path in self.logdir.glob(f"*/*/*/{CELL}"))
        return sorted(name for name in found if name not in ids and "/." not in name)

    def sweep(self) -> None:
        """Restores or removes what killed workers left of cells."""
        for place in self.logdir.glob(f"*/*/.*{work_folder.SUFFIX}"):
            atomic.sweep(place.with_name(place.name[1 : -len(work_folder.SUFFIX)]))

    def size(self) -> int:
        """Returns the size of all files in bytes."""
        return sum(os.path.getsize(path) for path in self.path.rglob("*") if path.is_file())


def _is_result(evaluation: Mapping[str, Any]) -> bool:
    """Returns whether an evaluation is of numbers: what is NaN or null is no result."""
    values = (evaluation.get(name) for name in ("revenue", "percent_of_optimum", "optimum"))
    return all(isinstance(value, int | float) and math.isfinite(value) for value in values)


def _part(name: object, told_by: str) -> str:
    """Returns a name that was read, if it is the plain name of one folder."""
    if "/" in checked_name(name, told_by):
        raise PrerollError(f"{told_by}: {name!r} is not the name of one folder")
    return str(name)


def _without_repetition(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns cells that refer to their scenarios by number, since cells share them."""
    numbers: dict[int, int] = {}
    scenarios: list[Any] = []
    for cell in cells:
        for name in WORLDS:
            if (world := cell[name]) is not None:
                if id(world) not in numbers:
                    numbers[id(world)] = len(scenarios)
                    scenarios.append(world)
                cell[name] = numbers[id(world)]
    return {"scenarios": scenarios, "cells": cells}
