"""Training of every agent, from random to PPO, with one loop."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from preroll.agents.agent import Agent
from preroll.agents.interop.own_agent import Acts, Function, OwnAgent
from preroll.agents.interop.trainee import Trainee, check_loadable, trainee_of
from preroll.agents.registry import find
from preroll.console import signals
from preroll.console.given import whole
from preroll.envs.model.tables import Tables, TablesSource
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.perception.catalog.catalog import Catalog
from preroll.run_folder import check_target
from preroll.simulations.feedback.feedback import AT_ONCE, Feedback
from preroll.simulations.training import checkpoint
from preroll.simulations.training.board import write_board
from preroll.simulations.training.curves import Curve, points_of
from preroll.simulations.training.loop import Loop
from preroll.simulations.training.notes import learning_notes
from preroll.simulations.training.provenance import Origin, provenance
from preroll.simulations.training.run import RunSettings, settings_of, write_result, write_settings
from preroll.simulations.training.training_result import TrainingResult
from preroll.tensorboard_writer import EventFile
from preroll.workers.job import Progress, Request

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
            _step(loop, on_point, advance)
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


def prepare(
    agent: Trainee,
    *,
    scenario: str | Path | Mapping[str, Any] | Scenario = "classic",
    catalog: str | Path | Catalog = "demo",
    sessions: int | None = None,
    seed: int = 0,
    run: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    replace: bool = False,
    mend: bool = False,
    feedback: Feedback | Mapping[str, Any] | None = None,
    exact: PhasedOptimum | None = None,
) -> Training:
    """Checks the arguments of :func:`train` without starting anything.

    ``exact`` is of a scenario that is compiled already, instead of ``scenario`` and ``catalog``.

    Raises:
        PrerollError: an argument is unknown or out of range, or ``run`` may not be written.
    """
    if isinstance(agent, str):
        find(agent)
    tables = exact.tables if exact else Tables.compile(scenario, catalog)
    sessions = None if sessions is None else _counted(sessions)
    target = None if run is None else Path(run)
    made = trainee_of(agent, tables, settings or {}, sessions, seed)
    if target is not None:
        check_loadable(made, target)
        if not tables.catalog.is_saved:
            raise PrerollError(
                f"run {target}: the catalog {tables.catalog.path} is in memory alone, where no run finds it again; "
                "write it first, catalog.save(folder), and train on catalog=folder"
            )
    training = Training(
        made, tables, sessions or made.settings.sessions, seed, target, replace=replace, mend=mend,
        feedback=Feedback.of(feedback), exact=exact,
    )  # fmt: skip
    training.check_feedback()
    training.check_target()
    return training


def prepare_resume(run: Path, feedback: Feedback | Mapping[str, Any] | None = None) -> Training:
    """Returns the stopped training of ``run``, read from its checkpoint.

    Raises:
        PrerollError: there is no checkpoint, or it cannot be read; or it began with another ``feedback``.
    """
    loop, tables, settings, spent, made_by, stamp = checkpoint.load(run)
    if feedback is not None and (given := Feedback.of(feedback)) != settings.feedback:
        raise PrerollError(
            f"run {run}: began with {settings.feedback.described}, not {given.described}; resume it without, or start "
            "over with --replace"
        )
    return Training(
        loop.agent, tables, settings.sessions, settings.seed, run, resumed=loop, stamp=stamp, spent=spent,
        earlier=(made_by,), origin=settings.origin, feedback=settings.feedback,
    )  # fmt: skip


def train(
    agent: Trainee,
    *,
    scenario: str | Path | Mapping[str, Any] | Scenario = "classic",
    catalog: str | Path | Catalog = "demo",
    sessions: int | None = None,
    seed: int = 0,
    run: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    replace: bool = False,
    advance: Advance | None = None,
    feedback: Feedback | Mapping[str, Any] | None = None,
) -> TrainingResult:
    """Trains an agent and, with ``run``, writes a run folder.

    During training the run is the hidden folder ``.NAME.preroll/new`` beside it, in which TensorBoard can follow it.
    It is renamed when it is complete and removed if the training is stopped: a run is either complete or absent.

    Args:
        agent: a name of :data:`preroll.agents.AGENTS`, of which a new agent is made (baselines and oracles only play);
            or, trained in place, an agent, or any object with ``act(observations)``, which maps float32 (n, d) to the
            ads shown, int (n,), and ``update(transitions)``, which gets the arrays of
            :class:`preroll.agents.Transitions` after every slot. Such an object is in no run.
        scenario: preset name, YAML file, mapping or scenario.
        catalog: name, folder or catalog.
        sessions: number of sessions to see; by default that of the scenario's preset, else the agent's own.
        seed: seed of users and agent; :func:`preroll.simulations.evaluate` draws other users.
        run: the folder to write; None writes nothing.
        settings: settings of an agent that is made; of an object ``num_envs`` alone, its lanes n.
        replace: whether to replace an existing run.
        advance: called with the number of sessions that ended since the last call.
        feedback: when what happened reaches the agent, such as ``{"delay": 1000, "every": 500}``; at once by default.

    Returns:
        The trained agent, its learning curve and its cost.

    Raises:
        PrerollError: an argument is unknown or out of range; nothing was started or written.

    Examples:
        >>> from preroll.simulations import train
        >>> result = train("linucb", scenario="fatigue", sessions=100, settings={"num_envs": 10})
        >>> result.agent.name, result.agent.num_envs, result.run
        ('linucb', 10, None)
    """
    training = prepare(
        agent, scenario=scenario, catalog=catalog, sessions=sessions, seed=seed, run=run, settings=settings,
        replace=replace, feedback=feedback,
    )  # fmt: skip
    return training.run(advance)


def train_job(request: Request, progress: Progress) -> tuple[dict[str, Any], bytes]:
    """Trains in a worker process; the request holds the arguments of :func:`train` as plain values."""
    train(
        request["agent"],
        scenario=request["scenario"],
        catalog=request["catalog"],
        sessions=request["sessions"],
        seed=request["seed"],
        run=Path(request["run"]),
        settings=request["settings"],
        replace=True,
        advance=counted(progress),
    )
    return {}, b""


def counted(progress: Progress) -> Advance:
    """Returns an ``advance`` that reports the number of sessions that ended so far."""
    ended = 0

    def advance(sessions: int) -> None:
        nonlocal ended
        ended += sessions
        progress(ended, None)

    return advance


def resume(
    run: str | Path, *, advance: Advance | None = None, feedback: Feedback | Mapping[str, Any] | None = None
) -> TrainingResult:
    """Resumes a stopped or killed training from its last checkpoint and runs it to its end.

    Args:
        run: the folder of the run.
        advance: called with the number of sessions that ended since the last call.
        feedback: that of the training, if it is to be compared; no other can be given.

    Returns:
        The result of the whole training, including the part before the stop.

    Raises:
        PrerollError: there is no checkpoint, or it cannot be read; or it began with another ``feedback``.
    """
    return prepare_resume(Path(run), feedback).run(advance)


def fit(
    agent: Agent | Acts | Function,
    tables: TablesSource,
    *,
    sessions: int,
    seed: int = 0,
    exact: PhasedOptimum | None = None,
    on_point: OnPoint = lambda *_: None,
    advance: Advance | None = None,
    feedback: Feedback | Mapping[str, Any] | None = None,
) -> Curve:
    """Trains ``agent`` in place until the first ``sessions`` sessions to start have ended.

    Lanes whose recorded sessions have ended continue with further sessions. The agent learns from these too, since the
    number of lanes must not change, but they do not appear in the learning curve.

    Args:
        agent: the agent to train, or an object with ``act(observations)``;
            :attr:`~preroll.agents.Agent.num_envs` sessions run in parallel, or ``sessions`` if that is fewer.
        tables: the scenario on the catalog, or a scenario to compile: see :meth:`Tables.of`.
        sessions: number of sessions in the learning curve.
        seed: lane i plays the user stream ``derive(seed, "training")`` + i.
        exact: exact values of ``tables``, if already computed.
        on_point: called with (sessions seen, value by tag) for every point of the curve.
        advance: called with the number of sessions that ended since the last call.
        feedback: when what happened reaches the agent; at once by default.

    Returns:
        The learning curve.
    """
    tables, late, sessions = Tables.of(tables), Feedback.of(feedback), _counted(sessions)
    agent = agent if isinstance(agent, Agent) else OwnAgent(agent, tables.spec)
    late.check(agent, slots=tables.n_slots, sessions=sessions, saved=False)
    loop = Loop(agent, tables, sessions, exact or PhasedOptimum(tables), feedback=late)
    loop.start(seed)
    while not loop.done:
        _step(loop, on_point, advance)
    return loop.curve


def _counted(sessions: int) -> int:
    if (count := whole("sessions", sessions)) < 1:
        raise PrerollError(f"sessions: {sessions}: at least 1 is needed")
    return count


def _step(loop: Loop, on_point: OnPoint, advance: Advance | None) -> None:
    """Runs one step of ``loop`` and reports ended sessions and new points."""
    over = loop.step()
    if over and advance is not None:
        advance(over)
    if over:
        for seen, point in loop.points():
            on_point(seen, point)
