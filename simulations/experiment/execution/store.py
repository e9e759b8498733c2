"""Folder of an experiment, and the states of its cells.

```
plan.json        all cells: their inputs; names of earlier cells
experiment.yaml  copy of the file that was run
failures.json    cells that failed, with their errors
cells/POINT/AGENT/seed-K/    one run each, complete or absent; ``cells`` is TensorBoard's logdir
```
"""

import fcntl
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from preroll import atomic
from preroll.errors import PrerollError
from preroll.simulations.experiment.design.names import known_as
from preroll.simulations.experiment.design.plan import Cell, Plan
from preroll.simulations.experiment.execution.cell import CELL, is_complete
from preroll.simulations.experiment.execution.cell import FORMAT as CELL_FORMAT

PLAN = "plan.json"
FILE = "experiment.yaml"
FAILURES = "failures.json"
CELLS = "cells"
FORMAT = 4
#: Fields of cells that hold scenarios: without variation, and of training.
WORLDS = ("base", "training")
#: Fields of cells that tell what their names are of.
DESCRIBED = ("values", "catalog_sha256", "agent", "settings")


class CellState(StrEnum):
    """State of a cell."""

    DONE = "done"
    CHANGED = "changed"  # its run has other settings than the plan
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
        # A run that was killed before it wrote its plan may have left a lock and partial files, which are accepted.
        there = [name for name in names if name != ".lock" and not (name[0] == "." and name.endswith(".part"))]
        if there and PLAN not in there:
            raise PrerollError(f"--out {self.path}: is no folder of an experiment and is not empty; name another one")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Prevents other processes from running the same folder; the lock ends with the process, even if it is killed.

        Raises:
            PrerollError: another process runs it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise PrerollError(f"--out {self.path}: another process runs this experiment now") from None
            yield

    def write_plan(self, plan: Plan, text: str) -> None:
        """Writes the plan and the text of its experiment file."""
        cells = [cell.to_dict() for cell in plan.cells]
        now = plan.names
        content = {
            "format": FORMAT,
            "name": plan.name,
            "description": plan.description,
            "keys": dict(plan.keys),
            "names": {one: name for one, name in self.names().items() if one not in now},
            **_without_repetition(cells),
        }
        atomic.write_text(self.path / PLAN, json.dumps(content) + "\n")  # first: it marks the folder as an experiment
        atomic.write_text(self.path / FILE, text)

    def keep_names(self, plan: Plan) -> Plan:
        """Returns ``plan``, in which points and agents that had a name in this folder keep it."""
        names = self.names()
        return plan.keeping(names) if names else plan

    def names(self) -> dict[str, str]:
        """Returns the names that the plans so far gave to points and agents; a damaged plan gave none."""
        try:
            content = json.loads((self.path / PLAN).read_text("utf8"))
            names, cells = dict(content.get("names", {})), content["cells"]
            known = known_as([tuple(cell[name] for name in DESCRIBED) for cell in cells])
            for (point, agent, _), cell in zip(known, cells, strict=True):
                names[point], names[agent] = cell["point"], cell["label"].partition("@")[0]
            return names
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def read_plan(self) -> Plan:
        """Returns the plan of the last run.

        Raises:
            PrerollError: there is no plan, or it cannot be read.
        """
        try:
            content = json.loads((self.path / PLAN).read_text("utf8"))
            if content["format"] != FORMAT:
                raise PrerollError(f"{self.path / PLAN}: format must be {FORMAT}, not {content['format']}")
            scenarios = content["scenarios"]
            cells = tuple(
                Cell(**cell | {name: scenarios[cell[name]] for name in WORLDS if cell[name] is not None})
                for cell in content["cells"]
            )
            return Plan(content["name"], content["description"], content["keys"], cells)
        except FileNotFoundError:
            raise PrerollError(
                f"{self.path}: is no folder of an experiment; make one with `preroll experiment run FILE --out DIR`"
            ) from None
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise PrerollError(f"{self.path / PLAN}: cannot be read: {error}") from None

    def states(self, plan: Plan) -> dict[str, CellState]:
        """Returns the state of every cell by id."""
        failures = self.failures()
        return {cell.id: self._state(cell, cell.id in failures) for cell in plan.cells}

    def _state(self, cell: Cell, failed: bool) -> CellState:
        folder = self.folder(cell).absolute()
        atomic.recover(folder)
        if is_complete(folder):
            found = read_cell(folder)
            if found["fingerprint"] != cell.fingerprint:
                return CellState.CHANGED
            return CellState.DONE if _is_result(found["evaluation"]) else CellState.FAILED
        return CellState.FAILED if failed else CellState.MISSING

    def failures(self) -> dict[str, str]:
        """Returns the error of every cell that failed, by id.

        Raises:
            PrerollError: the file of failures cannot be read.
        """
        try:
            found: dict[str, str] = json.loads((self.path / FAILURES).read_text("utf8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise PrerollError(f"{self.path / FAILURES}: cannot be read: {error}") from None
        return found

    def reasons(self, states: Mapping[str, CellState]) -> dict[str, str]:
        """Returns why each of the cells that failed did, by id."""
        told = self.failures()
        return {
            name: told.get(name, f"{CELL}: its revenue is no number")
            for name, state in states.items()
            if state is CellState.FAILED
        }

    def write_failures(self, failures: Mapping[str, str]) -> None:
        """Writes the errors of the cells that failed."""
        if failures or (self.path / FAILURES).exists():
            atomic.write_json(self.path / FAILURES, dict(failures))

    def strays(self, plan: Plan) -> list[str]:
        """Returns the ids of runs that are not cells of the plan; they are never deleted."""
        ids = {cell.id for cell in plan.cells}
        found = (path.parent.relative_to(self.logdir).as_posix() for path in self.logdir.glob(f"*/*/*/{CELL}"))
        return sorted(name for name in found if name not in ids and "/." not in name)

    def sweep(self) -> None:
        """Removes partial files and folders of killed workers."""
        for part in (*self.logdir.glob(".*.part"), *self.logdir.glob("*/*/.*.part")):
            shutil.rmtree(part, ignore_errors=True)
        for part in self.path.glob(".*.part"):
            part.unlink(missing_ok=True)

    def size(self) -> int:
        """Returns the size of all files in bytes."""
        return sum(os.path.getsize(path) for path in self.path.rglob("*") if path.is_file())


def read_cell(folder: Path) -> dict[str, Any]:
    """Reads the evaluation that is stored with a cell's run.

    Raises:
        PrerollError: it cannot be read, or has another format.
    """
    try:
        found: dict[str, Any] = json.loads((folder / CELL).read_text("utf8"))
    except (OSError, ValueError) as error:
        raise PrerollError(f"{folder / CELL}: cannot be read: {error}") from None
    if found.get("format") != CELL_FORMAT:
        raise PrerollError(f"{folder / CELL}: format must be {CELL_FORMAT}, not {found.get('format')}")
    return found


def _is_result(evaluation: Mapping[str, Any]) -> bool:
    """Returns whether an evaluation is of numbers: what is NaN or null is no result."""
    values = (evaluation.get(name) for name in ("revenue", "percent_of_optimum", "optimum"))
    return all(isinstance(value, int | float) and math.isfinite(value) for value in values)


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
