"""Training of every agent, from random to PPO, with one loop."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from preroll.agents.agent import Agent
from preroll.agents.interop.own_agent import Acts, Function, OwnAgent
from preroll.agents.interop.trainee import Trainee, check_loadable, trainee_of
from preroll.agents.registry import find
from preroll.console.given import seed_of, whole
from preroll.envs.model.tables import Tables, TablesSource
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.feedback.feedback import Feedback
from preroll.simulations.training import checkpoint
from preroll.simulations.training.curves import Curve
from preroll.simulations.training.loop import Loop
from preroll.simulations.training.prepared_training import Advance, OnPoint, Training, report_step
from preroll.simulations.training.training_result import TrainingResult
from preroll.workers.job import Progress, Request


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
    sessions, seed = None if sessions is None else _counted(sessions), seed_of(seed)
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
        report_step(loop, on_point, advance)
    return loop.curve


def _counted(sessions: int) -> int:
    if (count := whole("sessions", sessions)) < 1:
        raise PrerollError(f"sessions: {sessions}: at least 1 is needed")
    return count
