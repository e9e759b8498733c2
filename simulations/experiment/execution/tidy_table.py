"""Tidy table of an experiment: one row per finished or failed cell, with all settings and metrics."""

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from preroll.files import atomic
from preroll.simulations.experiment.design.plan import Cell
from preroll.simulations.experiment.execution.store import CellState, Store

if TYPE_CHECKING:
    import pandas as pd

#: Types of columns that are not numbers, for where no cell has a value.
_EMPTY: dict[str, Any] = {"git": "str", "git_changed": "boolean", "machine": "str"}
#: Columns with the cost of a cell, the only ones that differ from machine to machine.
COST = ("training_seconds", "training_cpu_seconds", "evaluation_cpu_seconds")


def results(store: Store) -> "pd.DataFrame":
    """Returns the tidy table, with rows in the order of the plan.

    Columns: ``id``, ``experiment``, ``point``, ``label``, ``agent``, ``trained_on``, ``seed``, ``sessions``,
    ``catalog``, ``catalog_sha256``; the varied keys as named in the file, a factor as a number under ``KEY (scale)``;
    ``setting.NAME`` for every setting of the agent; the entries of
    :meth:`preroll.simulations.evaluation.agent_result.AgentResult.to_dict`; ``steps``; :data:`COST`; ``git``,
    ``git_changed``, ``machine`` and ``version.NAME``. Where a training was reused, these hold both values, joined by
    `` + ``, if those of training and evaluation differ. Where an agent may not have learned, the column ``note`` says
    so. A cell that failed has its inputs and, in the column ``failure``, the reason. Where feedback is late,
    ``feedback.delay``, ``feedback.every`` and ``earned_while_learning`` [% of the optimum] tell when it came and what
    that left to be earned. These columns are there only where needed.

    Args:
        store: the experiment's folder.
    """
    import pandas as pd

    plan = store.read_plan()
    states = store.states(plan)
    failed, rows = store.reasons(states), []
    late = any(cell.feedback for cell in plan.cells)
    for cell in plan.cells:
        if states[cell.id] is CellState.DONE:
            rows.append({**_inputs(plan.name, cell), **_row(store, cell, late)})
        elif cell.id in failed:
            rows.append({**_inputs(plan.name, cell), "failure": failed[cell.id]})
    return pd.DataFrame(rows)


def _inputs(experiment: str, cell: Cell) -> dict[str, Any]:
    return {
        "id": cell.id,
        "experiment": experiment,
        "point": cell.point,
        "label": cell.label,
        "agent": cell.agent,
        "trained_on": cell.trained_on,
        "seed": cell.seed,
        "sessions": cell.sessions,
        "catalog": cell.catalog,
        "catalog_sha256": cell.catalog_sha256,
        **dict(_varied(key, value) for key, value in cell.values.items()),
    }


def _row(store: Store, cell: Cell, late: bool) -> dict[str, Any]:
    told = store.record(cell)
    made_by, cost = told["provenance"], told["cost"]
    return {
        "catalog": told["catalog"],
        **{f"setting.{name}": _plain(value) for name, value in told["settings"].items()},
        **told["evaluation"],
        **(told["feedback"] if late else {}),
        "steps": told["steps"],
        "training_seconds": cost["seconds"],
        "training_cpu_seconds": cost["cpu_seconds"],
        "evaluation_cpu_seconds": told["evaluation_cpu_seconds"],
        "git": made_by["git"],
        "git_changed": made_by["changed"],
        "machine": made_by["machine"],
        **{f"version.{name}": number for name, number in made_by["versions"].items()},
    }


def _varied(key: str, value: Any) -> tuple[str, Any]:
    if isinstance(value, dict) and set(value) == {"scale"}:
        return f"{key} (scale)", value["scale"]
    return key, _plain(value)


def _plain(value: Any) -> Any:
    """Returns a value that a table can hold; lists and mappings become text."""
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def as_text(table: "pd.DataFrame", form: Literal["csv", "json"]) -> str:
    """Returns the table as CSV, whose numbers read back equal, or as JSON: one object a row, in which a gap is null."""
    if form == "csv":
        return typed(table).to_csv(index=False)
    rows = typed(table).astype(object)
    records = rows.where(rows.notna(), None).to_dict("records")
    return json.dumps(records, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_parquet(table: "pd.DataFrame", path: Path) -> None:
    """Writes the table as Parquet, atomically."""
    memory = io.BytesIO()
    typed(table).to_parquet(memory, index=False)
    atomic.write_bytes(path, memory.getvalue())


def typed(table: "pd.DataFrame") -> "pd.DataFrame":
    """Returns the table with one type per column, of which CSV and Parquet then hold the same values.

    Where kinds of values stand side by side in a column they become text, as they are written in YAML. No text is a
    gap, since CSV cannot tell the two apart.
    """
    table = table.replace("", None)
    return table.assign(**{name: _column(table[name]) for name in table.columns if table[name].dtype == object})


def _column(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Returns a column, for which pandas found no type, as truth values, numbers or text; gaps stay gaps."""
    kinds = {type(value) for value in column.dropna()}
    if not kinds:
        return column.astype(_EMPTY.get(str(column.name), "float64"))
    if kinds == {bool}:
        return column
    if kinds <= {int, float}:
        return column.astype("float64")
    words = column.map(lambda value: value if isinstance(value, str) else json.dumps(value), na_action="ignore")
    return words.astype("str")
