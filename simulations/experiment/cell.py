"""One cell: an agent is trained, evaluated, and kept as a run folder, which is complete or does not exist."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from preroll import atomic
from preroll.envs.policies import Policy
from preroll.errors import PrerollError
from preroll.events import EventFile
from preroll.simulations.experiment.board import write_policy, write_settings_and_metrics
from preroll.simulations.experiment.measurement import measure
from preroll.simulations.experiment.plan import Cell
from preroll.simulations.run import RESULT
from preroll.simulations.training import TrainingResult, prepare

CELL = "cell.json"
FORMAT = 1


def cell_request(cell: Cell, folder: Path, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """What :func:`run_cell` needs, as plain values for any engine.

    Args:
        cell: what to do.
        folder: the run folder to write; an earlier run there is replaced.
        provenance: which code it is, see :mod:`preroll.simulations.experiment.provenance`.
    """
    return {"job": "cell", "cell": cell.to_dict(), "run": str(folder), "provenance": dict(provenance)}


def run_cell(request: Mapping[str, Any], advance: Callable[[int], None] = lambda _: None) -> None:
    """Trains and evaluates as a request says: the one function that every engine calls.

    Args:
        request: of :func:`cell_request`.
        advance: is called with the number of training sessions that ended since the last call.

    Raises:
        PrerollError: the catalog is no longer the one of the plan, or the agent cannot play the scenario.
    """
    cell = Cell(**request["cell"])
    folder = Path(request["run"])
    training = prepare(
        cell.agent, scenario=cell.scenario, catalog=cell.catalog, sessions=cell.sessions, seed=cell.seed, run=folder,
        settings=cell.settings, replace=True,
    )  # fmt: skip
    if training.tables.catalog.sha256 != cell.catalog_sha256:
        raise PrerollError(
            f"cell {cell.id}: the catalog {cell.catalog} has changed since the experiment began", status=1
        )

    def finish(part: Path, result: TrainingResult, events: EventFile) -> None:
        began = time.process_time()
        policy = _table(result)
        measurement = measure(policy or result.agent, result.tables, sessions=cell.evaluation_sessions, seed=cell.seed)
        seconds = round(time.process_time() - began, 3)
        if policy is not None:
            write_policy(events, result.sessions, result.tables, policy)
        write_settings_and_metrics(events, cell, measurement)
        content = {
            "format": FORMAT,
            "id": cell.id,
            "fingerprint": cell.fingerprint,
            "values": cell.values,
            "label": cell.label,
            "evaluation": measurement.to_dict(),
            "evaluation_cpu_seconds": seconds,
            "provenance": request["provenance"],
        }
        atomic.write_json(part / CELL, content)

    training.run(advance, finish)


def _table(result: TrainingResult) -> Policy | None:
    """The agent's choices in every state; None where there are too many states for a table."""
    try:
        return result.agent.policy(result.tables)
    except PrerollError:
        return None


def is_complete(folder: Path) -> bool:
    """Whether a cell's run is there."""
    return (folder / RESULT).is_file() and (folder / CELL).is_file()
