"""Execution of the unfinished cells of an experiment, on all cores, with up to three attempts each."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from preroll import progress
from preroll.console.plural import counted
from preroll.errors import PrerollError
from preroll.shown import plots
from preroll.shown.card import Card
from preroll.shown.shown import ShownTable
from preroll.simulations.experiment.design.plan import Cell, Plan
from preroll.simulations.experiment.execution.cell import JOB, cell_request
from preroll.simulations.experiment.execution.estimate import estimate
from preroll.simulations.experiment.execution.overview import shown_pairs, write_means, write_overview
from preroll.simulations.experiment.execution.store import CellState, Store
from preroll.simulations.experiment.execution.summary import PERCENT, percent_bars, summary
from preroll.simulations.experiment.execution.tensorboard import columns_of
from preroll.simulations.experiment.execution.tidy_table import results
from preroll.workers.pool import Pool, WorkerPool
from preroll.workers.ray_pool import RayPool

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

TRIES = 3


def cell_pool(workers: int | None = None, *, engine: str = "local", address: str | None = None) -> WorkerPool:
    """Returns the workers that run cells.

    Args:
        workers: number of cells that run in parallel; one per core by default.
        engine: ``local``, or ``ray`` for a Ray cluster, whose machines need preroll, and the folder of the experiment
            and its catalogs at the same paths.
        address: address of the cluster, as for :class:`preroll.workers.ray_cluster.RayCluster`.

    Raises:
        PrerollError: Ray is not installed, or an address is given without it.
    """
    if engine == "ray":
        return RayPool(JOB, address=address, workers=workers, tries=TRIES)
    if address is not None:
        raise PrerollError(f"--address {address}: is of a Ray cluster; add --engine ray")
    return Pool(JOB, workers=workers, tries=TRIES)


@dataclass(frozen=True, repr=False)
class ExperimentOutcome(ShownTable):
    """Outcome of one run of an experiment.

    Attributes:
        before: state of every cell at the start, by id.
        done: number of cells that were completed.
        failures: error of every cell that failed, by id.
        out: the folder, from which the results are read.

    Examples:
        >>> from preroll.simulations import ExperimentOutcome
        >>> before = {"base/greedy/seed-0": "done", "base/dqn/seed-0": "missing", "base/ppo/seed-0": "missing"}
        >>> outcome = ExperimentOutcome(before, done=1, failures={"base/ppo/seed-0": "its process died"})
        >>> skipped = sum(state == "done" for state in outcome.before.values())
        >>> f"{skipped} skipped, {outcome.done} completed, {len(outcome.failures)} failed"
        '1 skipped, 1 completed, 1 failed'
    """

    before: Mapping[str, CellState]
    done: int
    failures: Mapping[str, str]
    out: Path = Path()

    def to_frame(self) -> "pd.DataFrame":
        """Returns the tidy table: one row a finished or failed cell, with every setting and number."""
        return results(Store(self.out))

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draws percent of the optimum of every agent at every point, with Student's 95 % interval over seeds.

        Args:
            ax: the axes to draw on; new ones by default.

        Raises:
            PrerollError: there is no finished cell.
        """
        store = Store(self.out)
        plan = store.read_plan()
        found = percent_bars(store, plan, store.states(plan))
        if not found:
            raise PrerollError(f"experiment {self.out}: no cell is finished; there is nothing to draw")
        rows = [
            replace(bar, name=f"{point}: {bar.name}") if len(found) > 1 else bar
            for point, bars in found.items()
            for bar in bars
        ]
        return plots.bars(ax, rows, title=f"experiment {self.out.name}", x=PERCENT, best=100)

    def _card(self) -> Card:
        skipped = sum(state == CellState.DONE for state in self.before.values())
        facts = {
            "cells": f"{self.done} completed, {skipped} done before, {len(self.failures)} failed",
            **({"failed": "; ".join(f"{name}: {why}" for name, why in self.failures.items())} if self.failures else {}),
        }
        store = Store(self.out)
        plan = store.read_plan()
        head, rows = summary(store, plan, store.states(plan))
        return Card(f"Experiment {self.out}", facts, head, rows)


def run_experiment(
    file: str | Path,
    out: str | Path,
    *,
    pool: WorkerPool | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> ExperimentOutcome:
    """Runs the unfinished cells of an experiment; an interrupted experiment resumes where it stopped.

    Args:
        file: YAML file of the experiment, or the folder of one that was run, which is repeated.
        out: folder of the experiment.
        pool: where cells run.
        note: called with lines about cells that are run again, and why.

    Returns:
        The number of completed cells, and the error of each cell that failed.

    Raises:
        PrerollError: the file is invalid, the folder holds something else, another process runs it, or the disk is
            full.
    """
    return run_plan(*planned(Path(file)), Store(Path(out)), pool or cell_pool(), note)


def planned(given: Path) -> tuple[Plan, str]:
    """Returns the cells of an experiment and the text of its file.

    Args:
        given: the file; or the folder of an experiment that was run, whose plan holds the scenario that its file names.

    Raises:
        PrerollError: the file is invalid, or the folder holds no experiment.
    """
    if given.is_dir():
        store = Store(given)
        return store.read_plan(), store.read_text()
    return Plan.load(given), given.read_text("utf8")


def run_plan(
    plan: Plan, text: str, store: Store, pool: WorkerPool, note: Callable[[str], None] = lambda _: None
) -> ExperimentOutcome:
    """Runs the unfinished cells of ``plan``.

    Args:
        plan: the experiment, expanded.
        text: content of the experiment file, stored beside the results.
        store: the experiment's folder.
        pool: where cells run.
        note: called with lines about cells that are run again, and why.

    Returns:
        The number of completed cells, and the error of each cell that failed.

    Raises:
        PrerollError: the folder holds something else, another process runs it, or the disk is full.
    """
    store.check()
    with store.lock():
        store.check()  # once more, now that nobody else can write it
        store.sweep()
        plan = store.keep_names(plan)
        before = store.states(plan)
        for line in changes(plan, store, before):
            note(line)
        store.write_plan(plan, text)
        todo = [cell for cell in plan.cells if before[cell.id] is not CellState.DONE]
        try:
            failures = _do(todo, plan, store, pool, before) if todo else {}
        finally:
            store.sweep()  # a lost machine or process leaves partial folders
        store.write_failures(failures)
        store.states(plan)  # keeps what it reads, for who asks next
        write_overview(store, plan)
    return ExperimentOutcome(before, len(todo) - len(failures), failures, store.path)


def changes(plan: Plan, store: Store, states: Mapping[str, CellState]) -> list[str]:
    """Returns lines about results of earlier runs that do not match this plan."""
    changed = [cell.id for cell in plan.cells if states[cell.id] is CellState.CHANGED]
    lines = [f"{name}: was run with other settings; it is run again." for name in changed]
    return lines + [f"{name}: is no cell of this experiment any more; it is left." for name in store.strays(plan)]


def _do(
    todo: Sequence[Cell], plan: Plan, store: Store, pool: WorkerPool, before: Mapping[str, CellState]
) -> dict[str, str]:
    """Runs cells and returns the error of each one that failed, by id."""
    expected = estimate(store, plan.cells, before).seconds
    # Long ones first, so that the last worker does not end long after the others.
    todo = sorted(todo, key=lambda cell: -expected[cell.id])
    columns = columns_of(plan)
    requests = [cell_request(cell, store.folder(cell).absolute(), columns) for cell in todo]
    failures: dict[str, str] = {}
    shown, left = shown_pairs(plan), Counter((cell.point, cell.label) for cell in todo)
    with progress.bar(100, f"Running {counted(len(todo), 'cell')} (%)") as advance:
        meter = _Meter(todo, expected, advance)
        with closing(pool.map(requests, meter.played)) as outcomes:
            for outcome in outcomes:
                cell = todo[outcome.number]
                meter.ended(outcome.number)
                if outcome.final:
                    raise PrerollError(f"{outcome.line}; go on with the same command", status=1)
                if outcome.error is not None:
                    failures[cell.id] = outcome.line
                    store.write_failures(failures)
                left[pair := (cell.point, cell.label)] -= 1
                if not left[pair] and pair in shown:  # at once, for who looks on
                    write_means(store, plan, {pair: shown[pair]})
    return failures


class _Meter:
    """Progress meter that converts sessions played and cells ended to whole percents of the expected time."""

    def __init__(self, cells: Sequence[Cell], expected: Mapping[str, float], advance: Callable[[int], None]) -> None:
        whole = sum(expected[cell.id] for cell in cells)
        self._cells, self._advance = cells, advance
        self._percent = {cell.id: 100 * expected[cell.id] / whole for cell in cells}
        self._by_cell = [0.0] * len(cells)
        self._sum, self._shown = 0.0, 0

    def played(self, number: int, sessions: float, _: float | None = None) -> None:
        """Sets the training sessions of a cell that ended so far; 0 where it is tried again."""
        cell = self._cells[number]
        self._move(number, 0.9 * self._percent[cell.id] * sessions / cell.sessions)

    def ended(self, number: int) -> None:
        """Completes the cell's share."""
        self._move(number, self._percent[self._cells[number].id])

    def _move(self, number: int, percent: float) -> None:
        self._sum += percent - self._by_cell[number]
        self._by_cell[number] = percent
        amount = round(self._sum) - self._shown
        if amount:
            self._shown += amount
            self._advance(amount)
