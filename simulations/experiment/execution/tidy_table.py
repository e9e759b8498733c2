"""Tidy table of an experiment: one row per finished cell, with all settings and metrics."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preroll import atomic
from preroll.simulations.experiment.design.names import value_text
from preroll.simulations.experiment.design.plan import Cell
from preroll.simulations.experiment.execution.store import CellState, Store, read_cell
from preroll.simulations.training.run import Run

if TYPE_CHECKING:
    import pandas as pd

#: Columns with the cost of a cell, the only ones that differ from machine to machine.
COST = ("training_seconds", "training_cpu_seconds", "evaluation_cpu_seconds")


def results(store: Store) -> "pd.DataFrame":
    """Returns the tidy table, with rows in the order of the plan.

    Columns: ``id``, ``experiment``, ``point``, ``label``, ``agent``, ``trained_on``, ``seed``, ``sessions``,
    ``catalog``, ``catalog_sha256``; the varied keys as named in the file, a factor as a number under ``KEY (scale)``;
    ``setting.NAME`` for every setting of the agent; the entries of
    :meth:`preroll.simulations.evaluation.agent_result.AgentResult.to_dict`; ``steps``; :data:`COST`; ``git``,
    ``git_changed`` and ``version.NAME``.

    Args:
        store: the experiment's folder.
    """
    import pandas as pd

    plan = store.read_plan()
    states = store.states(plan)
    return pd.DataFrame([_row(store, plan.name, cell) for cell in plan.cells if states[cell.id] is CellState.DONE])


def _row(store: Store, experiment: str, cell: Cell) -> dict[str, Any]:
    folder = store.folder(cell)
    run, told = Run.open(folder), read_cell(folder)
    cost = run.result["cost"]
    return {
        "id": cell.id,
        "experiment": experiment,
        "point": cell.point,
        "label": cell.label,
        "agent": cell.agent,
        "trained_on": cell.trained_on,
        "seed": cell.seed,
        "sessions": cell.sessions,
        "catalog": run.settings.catalog.path,
        "catalog_sha256": cell.catalog_sha256,
        **dict(_varied(key, value) for key, value in cell.values.items()),
        **{f"setting.{name}": _plain(value) for name, value in run.settings.settings.items()},
        **told["evaluation"],
        "steps": run.result["steps"],
        "training_seconds": cost["seconds"],
        "training_cpu_seconds": cost["cpu_seconds"],
        "evaluation_cpu_seconds": told["evaluation_cpu_seconds"],
        "git": told["provenance"]["git"],
        "git_changed": told["provenance"]["changed"],
        **{f"version.{name}": number for name, number in run.result["versions"].items()},
    }


def _varied(key: str, value: Any) -> tuple[str, Any]:
    if isinstance(value, dict) and set(value) == {"scale"}:
        return f"{key} (scale)", value["scale"]
    return key, _plain(value)


def _plain(value: Any) -> Any:
    """Returns a value that a table can hold; lists and mappings become text."""
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def write_csv(table: "pd.DataFrame", path: Path) -> None:
    """Writes the table as CSV, atomically; numbers are formatted so that they read back equal."""
    atomic.write_text(path, table.to_csv(index=False))


def write_parquet(table: "pd.DataFrame", path: Path) -> None:
    """Writes the table as Parquet, atomically; a column with values of several types becomes text."""
    uniform = table.copy()
    for name in uniform.columns:
        kinds = {type(value) for value in uniform[name] if value is not None and value == value}
        if len(kinds - {int, float}) > 1 or (kinds - {int, float} and kinds & {int, float}):
            uniform[name] = [None if value is None else value_text(value, exact=True) for value in uniform[name]]
    memory = io.BytesIO()
    uniform.to_parquet(memory, index=False)
    atomic.write_bytes(path, memory.getvalue())
