"""Execution of the unfinished cells of an experiment, on all cores, with up to three attempts each."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from preroll import progress
from preroll.errors import PrerollError
from preroll.simulations.experiment.design.plan import Cell, Plan
from preroll.simulations.experiment.execution.cell import cell_request
from preroll.simulations.experiment.execution.estimate import estimate
from preroll.simulations.experiment.execution.provenance import provenance
from preroll.simulations.experiment.execution.store import CellState, Store
from preroll.simulations.experiment.execution.tensorboard import write_layout
from preroll.simulations.workers.pool import Advance, Outcomes, Request, work

TRIES = 3


def cores() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class CellEngine(Protocol):
    """Engine that runs cells, on this machine or on many."""

    def __call__(self, requests: Sequence[Request], *, tries: int, advance: Advance) -> Outcomes:
        """Runs every request with ``run_cell`` of :mod:`~preroll.simulations.experiment.execution.cell`.

        Args:
            requests: requests of ``cell_request``, the longest first.
            tries: number of attempts per cell.
            advance: called with a request's number and the number of training sessions that ended; the number is
                negative if an attempt failed and its sessions are to be repeated.

        Yields:
            The outcome of every request, in order of completion.
        """


@dataclass(frozen=True)
class Local:
    """Supervised worker processes on this machine.

    Attributes:
        workers: number of processes.
    """

    workers: int

    def __call__(self, requests: Sequence[Request], *, tries: int, advance: Advance) -> Outcomes:
        """Runs the requests as specified by :class:`CellEngine`."""
        return work(requests, workers=self.workers, tries=tries, advance=advance)


@dataclass(frozen=True)
class ExperimentOutcome:
    """Outcome of one run of an experiment.

    Attributes:
        before: state of every cell at the start, by id.
        done: number of cells that were completed.
        failures: error of every cell that failed, by id.

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


def run_experiment(
    file: str | Path,
    out: str | Path,
    *,
    engine: CellEngine | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> ExperimentOutcome:
    """Runs the unfinished cells of an experiment; an interrupted experiment resumes where it stopped.

    Args:
        file: YAML file of the experiment.
        out: folder of the experiment.
        engine: engine that runs the cells; by default one worker process per core of this machine.
        note: called with lines about cells that are run again, and why.

    Returns:
        The number of completed cells, and the error of each cell that failed.

    Raises:
        PrerollError: the file is invalid, the folder holds something else, another process runs it, or the disk is
            full.
    """
    plan = Plan.load(Path(file))
    return run_plan(plan, Path(file).read_text("utf8"), Store(Path(out)), engine or Local(cores()), note)


def run_plan(
    plan: Plan, text: str, store: Store, engine: CellEngine, note: Callable[[str], None] = lambda _: None
) -> ExperimentOutcome:
    """Runs the unfinished cells of ``plan``.

    Args:
        plan: the experiment, expanded.
        text: content of the experiment file, stored beside the results.
        store: the experiment's folder.
        engine: engine that runs the cells.
        note: called with lines about cells that are run again, and why.

    Returns:
        The number of completed cells, and the error of each cell that failed.

    Raises:
        PrerollError: the folder holds something else, another process runs it, or the disk is full.
    """
    store.check()
    with store.lock():
        store.sweep()
        before = store.states(plan)
        for line in changes(plan, store, before):
            note(line)
        store.write_plan(plan, text)
        write_layout(store.logdir, plan)
        todo = [cell for cell in plan.cells if before[cell.id] is not CellState.DONE]
        try:
            failures = _do(todo, plan, store, engine, before) if todo else {}
        finally:
            store.sweep()  # a lost machine or process leaves partial folders
        store.write_failures(failures)
    return ExperimentOutcome(before, len(todo) - len(failures), failures)


def changes(plan: Plan, store: Store, states: Mapping[str, CellState]) -> list[str]:
    """Returns lines about results of earlier runs that do not match this plan."""
    changed = [cell.id for cell in plan.cells if states[cell.id] is CellState.CHANGED]
    lines = [f"{name}: was run with other settings; it is run again." for name in changed]
    return lines + [f"{name}: is no cell of this experiment any more; it is left." for name in store.strays(plan)]


def _do(
    todo: Sequence[Cell], plan: Plan, store: Store, engine: CellEngine, before: Mapping[str, CellState]
) -> dict[str, str]:
    """Runs cells and returns the error of each one that failed, by id."""
    expected = estimate(store, plan.cells, before).seconds
    # Long ones first, so that the last worker does not end long after the others.
    todo = sorted(todo, key=lambda cell: -expected[cell.id])
    code = provenance()
    requests = [cell_request(cell, store.folder(cell).absolute(), code) for cell in todo]
    failures: dict[str, str] = {}
    title = f"Running {len(todo)} cells (seconds of work)"
    with progress.bar(max(round(sum(expected[cell.id] for cell in todo)), 1), title) as advance:
        meter = _Meter(todo, expected, advance)
        with closing(engine(requests, tries=TRIES, advance=meter.played)) as outcomes:
            for outcome in outcomes:
                cell = todo[outcome.number]
                meter.ended(outcome.number)
                if outcome.full:
                    raise PrerollError(f"{outcome.error}; the same command goes on where this one stopped", status=1)
                if outcome.error is not None:
                    failures[cell.id] = outcome.error
                    store.write_failures(failures)
    return failures


class _Meter:
    """Progress meter that converts sessions played and cells ended to whole units of a progress bar."""

    def __init__(self, cells: Sequence[Cell], expected: Mapping[str, float], advance: Callable[[int], None]) -> None:
        self._cells, self._expected, self._advance = cells, expected, advance
        self._by_cell = [0.0] * len(cells)
        self._sum, self._shown = 0.0, 0

    def played(self, number: int, sessions: int) -> None:
        """Adds training sessions of a cell; a negative number subtracts those of a failed attempt."""
        cell = self._cells[number]
        self._move(number, self._by_cell[number] + 0.9 * self._expected[cell.id] * sessions / cell.sessions)

    def ended(self, number: int) -> None:
        """Completes the cell's share."""
        self._move(number, self._expected[self._cells[number].id])

    def _move(self, number: int, seconds: float) -> None:
        self._sum += seconds - self._by_cell[number]
        self._by_cell[number] = seconds
        amount = round(self._sum) - self._shown
        if amount:
            self._shown += amount
            self._advance(amount)
