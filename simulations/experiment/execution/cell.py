"""One cell: an agent is trained, evaluated, and kept as a run folder, which is complete or does not exist."""

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from glob import escape
from pathlib import Path
from typing import Any

from preroll import atomic
from preroll.agents import Agent
from preroll.envs.model.tables import Tables
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.evaluation.measurement import measure, table_of
from preroll.simulations.experiment.design.plan import Cell
from preroll.simulations.experiment.execution.tensorboard import write_policy, write_settings_and_metrics
from preroll.simulations.experiment.execution.training_reuse import reuse_training
from preroll.simulations.training.run import RESULT
from preroll.simulations.training.training import TrainingResult, prepare
from preroll.tensorboard_writer import EventFile

CELL = "cell.json"
FORMAT = 1


def cell_request(cell: Cell, folder: Path, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """What :func:`run_cell` needs, as plain values for any engine.

    Args:
        cell: what to do.
        folder: the run folder to write; an earlier run there is replaced.
        provenance: which code it is, see :mod:`preroll.simulations.experiment.execution.provenance`.
    """
    return {
        "job": f"{__name__}:{run_cell.__name__}",
        "cell": cell.to_dict(),
        "run": str(folder),
        "provenance": dict(provenance),
    }


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
    if Catalog.load(cell.catalog).sha256 != cell.catalog_sha256:
        raise PrerollError(
            f"cell {cell.id}: the catalog {cell.catalog} has changed since the experiment began", status=1
        )
    if (earlier := _same_training(cell, folder)) is not None:
        reuse_training(earlier, folder, partial(_finish, cell, request["provenance"]))
        return
    training = prepare(
        cell.agent, scenario=cell.training or cell.scenario, catalog=cell.catalog, sessions=cell.sessions,
        seed=cell.seed, run=folder, settings=cell.settings, replace=True,
    )  # fmt: skip

    def finish(part: Path, result: TrainingResult, events: EventFile) -> None:
        _finish(cell, request["provenance"], part, result.agent, events)

    training.run(advance, finish)


def _finish(cell: Cell, provenance: Mapping[str, Any], part: Path, agent: Agent, events: EventFile) -> None:
    """Evaluates, and writes all that a cell has more than a run."""
    began = time.process_time()
    tables = Tables.compile(cell.scenario, cell.catalog)
    policy = table_of(agent, tables)
    measurement = measure(policy or agent, tables, sessions=cell.evaluation_sessions, seed=cell.seed)
    seconds = round(time.process_time() - began, 3)
    if policy is not None:
        write_policy(events, cell.sessions, tables, policy)
    write_settings_and_metrics(events, cell, measurement)
    content = {
        "format": FORMAT,
        "id": cell.id,
        "fingerprint": cell.fingerprint,
        "training_fingerprint": cell.training_fingerprint,
        "values": cell.values,
        "label": cell.label,
        "evaluation": measurement.to_dict(),
        "evaluation_cpu_seconds": seconds,
        "provenance": provenance,
    }
    atomic.write_json(part / CELL, content)


def _same_training(cell: Cell, folder: Path) -> Path | None:
    """A finished cell of another point whose agent learned the very same; None where it was trained on its point."""
    if cell.training is None:
        return None
    label, seed = folder.parts[-2:]
    others = (path.parent for path in sorted(folder.parents[2].glob(f"*/{escape(label)}/{seed}/{CELL}")))
    return next((path for path in others if path != folder and _learned(path) == cell.training_fingerprint), None)


def _learned(folder: Path) -> str | None:
    found: str | None = json.loads((folder / CELL).read_text("utf8")).get("training_fingerprint")
    return found if is_complete(folder) else None


def is_complete(folder: Path) -> bool:
    """Whether a cell's run is there."""
    return (folder / RESULT).is_file() and (folder / CELL).is_file()
