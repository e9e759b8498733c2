"""A training that is ready to start: its steps, its checkpoints on the way, and the run folder at its end."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from preroll.agents.agent import Agent
from preroll.console import signals
from preroll.envs.model.tables import Tables
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.run_folder import check_target
from preroll.simulations.feedback.feedback import AT_ONCE, Feedback
from preroll.simulations.training import checkpoint
from preroll.simulations.training.board import write_board
from preroll.simulations.training.curves import points_of
from preroll.simulations.training.loop import Loop
from preroll.simulations.training.provenance import Origin, provenance
from preroll.simulations.training.run import RunSettings, settings_of, write_result, write_settings
from preroll.simulations.training.training_result import TrainingResult, learning_notes
from preroll.tensorboard_writer import EventFile

Advance = Callable[[int], None]
OnPoint = Callable[[int, dict[str, float]], None]
Stop = Callable[[], int]
Finish = Callable[[Path, TrainingResult, EventFile], None]


@dataclass(frozen=True)
class Training:
    """A training that is ready to start, with all arguments checked.

    Attributes:
        agent: the agent to train.
        tables: the scenario on the catalog.
        sessions: number of sessions to see.
        seed: seed of users and agent.
        target: the run folder to write; None writes nothing.
        resumed: loop of a stopped training, which is continued; None starts a new one.
        stamp: hash of the checkpoint that it was read from.
        spent: wall-clock and CPU time spent before it was stopped [s].
        earlier: provenance of what was done before it was stopped, and of the run that it continues.
        origin: the run that it continues; None begins anew.
        replace: whether a run or a checkpoint that is there may be replaced.
        mend: whether a damaged run may be, too.
        feedback: when what happened reaches the agent.
        exact: exact values of ``tables``, if already computed.
    """

    agent: Agent
    tables: Tables
    sessions: int
    seed: int
    target: Path | None
    resumed: Loop | None = None
    stamp: str = ""
    spent: tuple[float, float] = (0.0, 0.0)
    earlier: tuple[Mapping[str, Any], ...] = ()
    origin: Origin | None = None
    replace: bool = False
    mend: bool = False
    feedback: Feedback = AT_ONCE
    exact: PhasedOptimum | None = None

    def __post_init__(self) -> None:
        if lacking := self.agent.settings.lacking():  # a saved agent may have learned on another machine
            raise PrerollError(f"agent {self.agent.name}: {lacking}")

    @property
    def before(self) -> int:
        """Number of sessions of the trainings that this one continues."""
        return self.origin.sessions if self.origin else 0

    def run(
        self,
        advance: Advance | None = None,
        finish: Finish | None = None,
        *,
        stop: Stop = lambda: 0,
        save_every: float = math.inf,
    ) -> TrainingResult:
        """Trains the agent and writes the run folder.

        Args:
            advance: called with the number of sessions that ended since the last call.
            finish: called with the unfinished folder, before ``result.json`` completes it, to add files to it.
            stop: called after every step; returns 0 to continue, or a signal's number to save a checkpoint and stop.
            save_every: seconds between two checkpoints, from which a killed training can be resumed.

        Raises:
            NotFiniteError: what the agent computes is NaN or infinite; no run is written.
            PrerollError: ``stop`` requested it; the status is 128 + the signal's number.
        """
        if self.target is None:
            return self._fit(lambda *_: None, advance, stop, math.inf)
        with self.reserved(self.target):
            return self._write(self.target, advance, finish, stop, save_every)

    @contextmanager
    def reserved(self, run: Path) -> Iterator[None]:
        """Holds the lock of the run folder, so that no refusal comes after the first line about the work.

        Raises:
            PrerollError: as :meth:`check_target`, or another process is writing it.
        """
        with atomic.writing(run, f"--run {run}"):
            self.check_target()  # once more, now that nobody else can write it
            yield

    def _write(
        self, run: Path, advance: Advance | None, finish: Finish | None, stop: Stop, save_every: float
    ) -> TrainingResult:
        if self.resumed is None:
            checkpoint.remove(run)
        with ExitStack() as saving:
            with atomic.folder(run, "run") as folder:
                write_settings(folder, self._settings(run), self.tables.scenario)
                with EventFile(folder) as events:
                    write_board(events, self.tables.scenario.lengths)
                    result = self._fit(events.write, advance, stop, save_every)
                    saving.enter_context(signals.saving())  # until the run is in its place
                    self.agent.save(folder / "agent")
                    if finish is not None:
                        finish(folder, result, events)
                write_result(folder, result.to_dict(), *self.earlier)
            checkpoint.remove(run)
        return result

    @property
    def untaught(self) -> str:
        """Why an agent that learns will not: its feedback comes after the training; empty otherwise."""
        return self.feedback.untaught(self.sessions) if self.agent.can_learn else ""

    def check_feedback(self) -> None:
        """Raises unless the agent can learn late and its queue fits into memory."""
        slots, saved = self.tables.n_slots, self.target is not None
        self.feedback.check(self.agent, slots=slots, sessions=self.sessions, saved=saved)

    def check_target(self) -> None:
        """Raises unless the run folder may be written."""
        if self.target is None:
            return
        check_target(self.target, replace=self.replace or self.resumed is not None, mend=self.mend)
        if self.resumed is not None and checkpoint.stamp(self.target) != self.stamp:
            raise PrerollError(f"run {self.target}: another process went on with it after its checkpoint was read")
        if self.resumed is None and not self.replace and checkpoint.place(self.target).exists():
            raise PrerollError(
                f"run {self.target}: holds an unfinished training; go on with `preroll train --resume "
                f"{quote(str(self.target))}`, or start over with --replace"
            )

    def _fit(self, on_point: OnPoint, advance: Advance | None, stop: Stop, save_every: float) -> TrainingResult:
        wall, cpu = time.perf_counter() - self.spent[0], time.process_time() - self.spent[1]
        loop = self.resumed
        if loop is None:
            exact = self.exact or PhasedOptimum(self.tables)
            loop = Loop(self.agent, self.tables, self.sessions, exact, self.origin, self.feedback)
            loop.start(self.seed)
        else:
            for seen, point in points_of(loop.curve, loop.time_curve).items():
                on_point(seen, point)  # once more, since a resumed run writes a new event file
        saved = time.monotonic()
        while not loop.done:
            report_step(loop, on_point, advance)
            number = stop()
            if self.target is not None and (number or time.monotonic() - saved >= save_every):
                loop.check_numbers()
                spent = time.perf_counter() - wall, time.process_time() - cpu
                made_by = provenance(*self.earlier)
                stopped = checkpoint.Stopped(loop, self.tables, self._settings(self.target), spent, made_by)
                with signals.saving():
                    checkpoint.save(self.target, stopped)
                saved = time.monotonic()
            if number:
                raise PrerollError(self._stopped(number, loop), status=128 + number)
        return TrainingResult(
            agent=self.agent,
            tables=self.tables,
            curve=loop.curve,
            sessions=self.sessions,
            steps=self.agent.steps,
            optimum=float(loop.builder.exact.optimum_by_phase[0]),
            seconds=time.perf_counter() - wall,
            cpu_seconds=time.process_time() - cpu,
            times=loop.times,
            time_curve=loop.time_curve,
            run=self.target,
            phases=1 + int(self.tables.arrays.phase_of(loop.ledger.lane_session.max())),
            lane_sessions=loop.ledger.lane_sessions,
            notes=learning_notes(self.agent, self.sessions, self.feedback),
            feedback=self.feedback,
            waiting=self.agent.waiting,
        )

    def _settings(self, run: Path) -> RunSettings:
        return settings_of(
            self.agent, self.tables.catalog, sessions=self.sessions, seed=self.seed, run=run, origin=self.origin,
            feedback=self.feedback,
        )  # fmt: skip

    def _stopped(self, number: int, loop: Loop) -> str:
        line = f"stopped by {signals.told(number)} after {loop.ledger.ended:,} of {self.sessions:,} sessions"
        return f"{line}; go on with `preroll train --resume {quote(str(self.target))}`" if self.target else line


def report_step(loop: Loop, on_point: OnPoint, advance: Advance | None) -> None:
    """Runs one step of ``loop`` and reports ended sessions and new points."""
    over = loop.step()
    if over and advance is not None:
        advance(over)
    if over:
        for seen, point in loop.points():
            on_point(seen, point)
