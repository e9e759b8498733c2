"""Estimates of time and disk space of cells, from finished cells or else from a table of defaults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from preroll.agents.registry import AGENTS
from preroll.simulations.experiment.design.plan import Cell
from preroll.simulations.experiment.execution.cell import read_cell
from preroll.simulations.experiment.execution.store import CellState, Store
from preroll.simulations.training.run import Run

#: Measured CPU seconds per 1,000 training sessions of `fatigue` (18 slots each) on one core; bandits by default.
SECONDS_PER_1000, BANDIT_SECONDS = {"baseline": 0.05, "deep": 1.0}, 0.06
#: CPU seconds per 1,000 evaluation sessions, and fixed CPU seconds of every cell.
EVALUATION_PER_1000, FIXED = 0.002, 0.03
#: CPU seconds until a worker has loaded what its cells need, and until it has loaded torch too.
START, START_TORCH = 2.0, 8.0
BYTES, BANDIT_BYTES = {"baseline": 120_000, "deep": 500_000}, 60_000


@dataclass(frozen=True)
class _Cost:
    """Measured cost of a finished cell.

    Attributes:
        per_1000: cost of 1,000 training sessions [CPU s].
        evaluation: cost of all evaluation sessions [CPU s].
        bytes: bytes written.
    """

    per_1000: float
    evaluation: float
    bytes: int


@dataclass(frozen=True)
class Estimate:
    """Estimate of the remaining work.

    Attributes:
        seconds: time of each remaining cell [CPU s], by id.
        bytes: bytes that all of them will write.
        start: time until a worker begins with its first cell [CPU s].
    """

    seconds: Mapping[str, float]
    bytes: int
    start: float = 0.0

    def wall(self, workers: int) -> float:
        """Returns the duration on that many workers [s]."""
        return self.start + max(sum(self.seconds.values()) / workers, max(self.seconds.values(), default=0.0))


def estimate(store: Store, cells: Sequence[Cell], states: Mapping[str, CellState]) -> Estimate:
    """Estimates the cost of the unfinished cells; finished ones show what their agent costs on this machine.

    Args:
        store: the experiment's folder.
        cells: all cells of the plan.
        states: state of every cell by id.
    """
    measured: dict[str, list[_Cost]] = {}
    for cell in cells:
        if states[cell.id] is CellState.DONE:
            measured.setdefault(cell.label, []).append(_measured(store.folder(cell)))
    # Not the first one, which may have waited for a compiler.
    known = {
        label: sorted(costs, key=lambda one: one.per_1000)[(len(costs) - 1) // 2] for label, costs in measured.items()
    }
    todo = [cell for cell in cells if states[cell.id] is not CellState.DONE]
    first = {cell.training_fingerprint: cell.id for cell in reversed(cells) if cell.training is not None}
    seconds = {}
    for cell in todo:
        again = cell.training is not None and first[cell.training_fingerprint] != cell.id
        seconds[cell.id] = _seconds(cell, known, 0 if again else cell.sessions)
    return Estimate(seconds, sum(_bytes(cell, known) for cell in todo), max(map(_start, todo), default=0.0))


def _seconds(cell: Cell, known: Mapping[str, _Cost], sessions: int) -> float:
    """Returns the CPU seconds of a cell with that many training sessions, which are 0 if it reuses a training."""
    cost = known.get(cell.label)
    per_1000 = cost.per_1000 if cost else SECONDS_PER_1000.get(_family(cell), BANDIT_SECONDS)
    evaluation = cost.evaluation if cost else EVALUATION_PER_1000 * cell.evaluation_sessions / 1000
    return per_1000 * sessions / 1000 + evaluation + FIXED


def _bytes(cell: Cell, known: Mapping[str, _Cost]) -> int:
    return known[cell.label].bytes if cell.label in known else BYTES.get(_family(cell), BANDIT_BYTES)


def _measured(folder: Path) -> _Cost:
    run = Run.load(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    per_1000 = 1000 * run.result["cost"]["cpu_seconds"] / run.settings.sessions
    return _Cost(per_1000, read_cell(folder)["evaluation_cpu_seconds"], size)


def _start(cell: Cell) -> float:
    return START_TORCH if ".deep." in AGENTS[cell.agent].path else START


def _family(cell: Cell) -> str:
    return AGENTS[cell.agent].family
