"""Execution of one cell: training and evaluation of an agent, stored as a run folder, complete or absent."""

import json
import time
from collections.abc import Mapping, Sequence
from functools import partial
from glob import escape
from pathlib import Path
from typing import Any

from preroll.agents.agent import Agent
from preroll.envs.model.tables import Tables
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.catalog.manifest import identity
from preroll.perception.catalog.manifest import read_manifest as read_catalog_manifest
from preroll.run_folder import RESULT
from preroll.simulations.evaluation.agent_evaluation import evaluate_agent
from preroll.simulations.experiment.design.plan import Cell
from preroll.simulations.experiment.execution.tensorboard import write_settings_and_metrics
from preroll.simulations.experiment.execution.training_reuse import reuse_training
from preroll.simulations.feedback.feedback import Feedback
from preroll.simulations.training.provenance import provenance
from preroll.simulations.training.run import Run, read_manifest, settings_of
from preroll.simulations.training.training import counted, prepare
from preroll.simulations.training.training_result import TrainingResult
from preroll.system.memory import NETWORKS
from preroll.tensorboard_writer import NAME as EVENTS
from preroll.tensorboard_writer import EventFile
from preroll.workers.job import Job, Progress, Request

CELL = "cell.json"
FORMAT = 3
#: What ``settings.yaml`` holds, once more as JSON, which is read in a twentieth of the time; cells of earlier versions
#: lack it.
SETTINGS = "run_settings"
#: Where the agent loses; cells of earlier versions lack it.
EXPLANATION = "explanation"

#: What a worker process of an experiment does.
JOB = Job(f"{__name__}:run_cell", need=NETWORKS)


def cell_request(cell: Cell, folder: Path, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the request for :func:`run_cell`, as plain values for any engine.

    Args:
        cell: the cell.
        folder: the run folder to write; an existing run is replaced.
        columns: what all cells share in TensorBoard, its columns of HPARAMS.
    """
    return {"cell": cell.to_dict(), "run": str(folder), "columns": columns}


def run_cell(request: Request, progress: Progress = lambda *_: None) -> tuple[dict[str, Any], bytes]:
    """Trains and evaluates as a request specifies; every engine calls this function.

    Args:
        request: request of :func:`cell_request`.
        progress: called with the number of training sessions that ended so far.

    Raises:
        PrerollError: the catalog has changed since the plan was made, or the agent cannot play the scenario.
    """
    cell = Cell(**request["cell"])
    folder, columns = Path(request["run"]), request["columns"]
    if identity(read_catalog_manifest(Catalog.folder(cell.catalog))) != cell.catalog_sha256:
        raise PrerollError(
            f"cell {cell.id}: the catalog {cell.catalog} has changed since the experiment began", status=1
        )
    if (earlier := _same_training(cell, folder)) is not None:
        reuse_training(earlier, folder, partial(_finish, cell, folder, columns, Run.load(earlier).notes))
        return {}, b""
    training = prepare(
        cell.agent, exact=_world(cell, cell.training or cell.scenario), sessions=cell.sessions, seed=cell.seed,
        run=folder, settings=cell.settings, replace=True, mend=True, feedback=cell.feedback,
    )  # fmt: skip

    def finish(part: Path, result: TrainingResult, events: EventFile) -> None:
        _finish(cell, folder, columns, result.notes, part, result.agent, events)

    training.run(counted(progress), finish)
    return {}, b""


def _finish(
    cell: Cell,
    folder: Path,
    columns: Mapping[str, Any],
    notes: Sequence[str],
    part: Path,
    agent: Agent,
    events: EventFile,
) -> None:
    """Evaluates the agent and writes everything that a cell stores in addition to a run."""
    began = time.process_time()
    values = _world(cell, cell.scenario)
    evaluation = evaluate_agent(
        cell.label, agent, values.tables, sessions=cell.evaluation_sessions, seed=cell.seed, exact=cell.exact,
        explained=True, values=values,
    )  # fmt: skip
    assert evaluation.explanation is not None
    seconds = round(time.process_time() - began, 3)
    write_settings_and_metrics(events, cell, evaluation, columns)
    late = Feedback.of(cell.feedback)
    content = {
        "format": FORMAT,
        "id": cell.id,
        "fingerprint": cell.fingerprint,
        "training_fingerprint": cell.training_fingerprint,
        SETTINGS: settings_of(
            agent, values.tables.catalog, sessions=cell.sessions, seed=cell.seed, run=folder, feedback=late
        ).model_dump(mode="json"),
        "values": cell.values,
        "label": cell.label,
        "evaluation": evaluation.to_dict() | ({"note": " ".join(notes)} if notes else {}),
        EXPLANATION: evaluation.explanation.to_dict(),
        "evaluation_cpu_seconds": seconds,
        "provenance": provenance(),  # of the evaluation, where it was made; that of the training is in result.json
    }
    atomic.write_json(part / CELL, content, indent=None)  # indented it takes longer than all else of a small cell


#: What the last cell of this process met: cells of a point follow each other, and share tables and exact values.
_WORLD: dict[tuple[str, str, str], PhasedOptimum] = {}


def _world(cell: Cell, scenario: Mapping[str, Any]) -> PhasedOptimum:
    """Returns exact values of a scenario on the catalog of a cell, whose hash stands for its content."""
    key = json.dumps(scenario), cell.catalog, cell.catalog_sha256
    if key not in _WORLD:
        _WORLD.clear()  # first: the tables of two large catalogs might not fit into the memory
        _WORLD[key] = PhasedOptimum(Tables.compile(scenario, cell.catalog))
    return _WORLD[key]


def _same_training(cell: Cell, folder: Path) -> Path | None:
    """Returns the path of a finished cell with an identical training fingerprint, or None.

    Always None for a cell that is trained on its own point.
    """
    if cell.training is None:
        return None
    label, seed = folder.parts[-2:]
    others = (path.parent for path in sorted(folder.parents[2].glob(f"*/{escape(label)}/{seed}/{CELL}")))
    return next((path for path in others if path != folder and _learned(path) == cell.training_fingerprint), None)


def _learned(folder: Path) -> str | None:
    try:
        found: str | None = read_cell(folder)["training_fingerprint"]
    except PrerollError:
        return None
    return found


def read_cell(folder: Path) -> dict[str, Any]:
    """Reads the evaluation that is stored with a cell's run.

    Raises:
        PrerollError: it is not there or not what was written, or has another format.
    """
    found = read_manifest(folder).read_json(CELL)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise PrerollError(f"{folder / CELL}: format must be {FORMAT}; this is no cell that this version reads")
    return found


def check_cell(folder: Path) -> None:
    """Compares every file of a finished cell that is ever read with the manifest.

    Raises:
        PrerollError: one of them is not what was written.
    """
    files = read_manifest(folder)
    for name in {CELL, RESULT, *files.files} - {EVENTS}:
        files.verified(name)
