"""`preroll train`: training an agent into a run folder."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from preroll.console import signals
from preroll.console.output import printable
from preroll.console.write_errors import writes
from preroll.errors import PrerollError
from preroll.terminal.counts import parse_count, seed_option

if TYPE_CHECKING:
    from preroll.simulations.training.curves import Curve
    from preroll.simulations.training.prepared_training import Training
    from preroll.simulations.training.training_result import TrainingResult

SAVE_EVERY = 60.0  # seconds between two checkpoints


def train(
    context: typer.Context,
    agent: Annotated[
        str | None,
        typer.Argument(metavar="AGENT", help="random, greedy, thompson, linucb, dqn, ppo, …: `preroll agent list`."),
    ] = None,
    scenario: Annotated[str, typer.Option(help="Preset, or a YAML file.")] = "classic",
    catalog: Annotated[str, typer.Option(help="`demo`, or a folder made by `preroll catalog build`.")] = "demo",
    sessions: Annotated[
        int | None,
        typer.Option(parser=parse_count, metavar="N", help="Sessions to see.", show_default="the agent's own"),
    ] = None,
    seed: Annotated[int, seed_option("The same seed gives the same run.")] = 0,
    run: Annotated[
        Path | None,
        typer.Option(help="Folder.", show_default="runs/SCENARIO-AGENT-SEED-KEY=VALUE, or runs/NAME-plus-SESSIONS"),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Setting of the agent, or dotted of scenario or feedback."),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="Where the networks of a deep agent compute.", show_default="cpu")
    ] = None,
    sb3_defaults: Annotated[
        bool, typer.Option("--sb3-defaults", help="PPO or DQN with the settings of stable-baselines3, to compare.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an existing run.")] = False,
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="RUN", help="Resume a stopped training, without AGENT.")
    ] = None,
    continued: Annotated[
        Path | None,
        typer.Option(
            "--continue", metavar="RUN", help="Train a finished run on, on --sessions new ones, into a new run."
        ),
    ] = None,
) -> None:
    """Train an agent on sessions.

    Baselines and oracles play along, so that every agent has a curve over sessions seen.

    A checkpoint is saved at Ctrl-C and every minute; `--resume` continues from it, with the same result bit for bit.

    A finished run is trained on with `--continue`, as a new run with new users: schedules (learning rate, epsilon) stay
    at their ends; drift and curves go on. Example: `preroll train --continue runs/classic-dqn-0 --sessions 9000`

    On platforms agents learn late: with `--set feedback.delay=1000` what happened reaches the agent when 1,000 more
    sessions are over, with `--set feedback.every=500` in batches, every 500 sessions.

    Example: `preroll train dqn --scenario fatigue --seed 1 --set num_envs=256 --set user.mismatch=0.2`
    """
    for option, taken in (("resume", set()), ("continued", {"sessions", "run", "catalog", "replace"})):
        if context.params[option] is not None:
            _refuse_others(context, option, taken)
    if resume is not None:
        _resume(resume)
    elif continued is not None:
        _continue(continued, sessions, run, catalog if _is_given(context, "catalog") else None, replace)
    else:
        told = [*(changes or []), *([f"device={device}"] if _can_have(agent, device) else [])]
        _begin(agent, scenario, catalog, sessions, seed, run, told, sb3_defaults, replace)


def _can_have(agent: str | None, device: str | None) -> bool:
    """Returns whether a device was given, to an agent that has a network.

    Raises:
        PrerollError: it was, to one that has none.
    """
    from preroll.agents.registry import AGENTS, find

    if device is None or agent is None:
        return False
    if "device" not in find(agent).load().Settings.model_fields:
        deep = ", ".join(name for name, one in AGENTS.items() if one.family == "deep")
        raise PrerollError(
            f"--device {device}: agent {agent} has no network to compute there; agents with one are {deep}"
        )
    return True


def _begin(
    agent: str | None,
    scenario: str,
    catalog: str,
    sessions: int | None,
    seed: int,
    run: Path | None,
    changes: list[str],
    sb3_defaults: bool,
    replace: bool,
) -> None:
    """Trains a new agent."""
    from preroll.agents import preset
    from preroll.agents.registry import effective_settings, find
    from preroll.agents.settings import parse
    from preroll.envs.scenario.scenario import Scenario
    from preroll.simulations.feedback.feedback import AT_ONCE, separated
    from preroll.simulations.runs.default_names import default_name
    from preroll.simulations.training.training import prepare
    from preroll.terminal.set_option import parse_changes

    if agent is None:
        raise PrerollError("train: an AGENT is needed; `preroll agent list` names them")
    find(agent)
    settings, dotted = parse_changes(changes)
    overrides, late = separated(dotted)
    feedback = AT_ONCE.changed(late)
    world = Scenario.load(scenario).replace(overrides)
    defaults = preset.sb3_defaults(agent) if sb3_defaults else {}
    named = {**overrides, **feedback.changes}
    run = run or Path("runs") / default_name(world.name, agent, seed, settings, named, defaults)
    if defaults:
        followed = parse(find(agent).load().Settings, agent, settings, defaults)
        values = {name: getattr(followed, name) for name in {**defaults, **settings}}
        settings = {**effective_settings(agent, world.name, values), **settings}
    training = prepare(
        agent,
        scenario=world,
        catalog=catalog,
        sessions=sessions,
        seed=seed,
        run=run,
        settings=settings,
        replace=replace,
        feedback=feedback,
    )
    _train(training)


def _is_given(context: typer.Context, name: str) -> bool:
    """Returns whether the user gave the argument or option ``name``."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def _refuse_others(context: typer.Context, option: str, taken: set[str]) -> None:
    """Raises an error if beside ``option`` another one was given than those ``taken``, which it would not heed."""
    words = {one.name: one.opts[0] if one.param_type_name == "option" else "AGENT" for one in context.command.params}
    for name, word in words.items():
        if name not in taken | {option} and name is not None and _is_given(context, name):
            only = f", only {', '.join(words[one] for one in words if one in taken)}" if taken else " or other option"
            raise PrerollError(f"{words[option]} {context.params[option]}: takes no {word}{only}")


def _continue(run: Path, sessions: int | None, to: Path | None, catalog: str | None, replace: bool) -> None:
    """Trains a finished run on, and prints what of its training it did not keep."""
    from preroll.simulations.runs.continuation import prepare_continuation
    from preroll.simulations.runs.default_names import continued_name
    from preroll.simulations.training.run import Run

    if sessions is None:
        Run.load(run)  # where there is none, that is told first
        raise PrerollError(f"--continue {run}: --sessions is needed: how many further ones to see")
    to = to or Path("runs") / continued_name(run.absolute().name, sessions)
    training = prepare_continuation(run, sessions, to=to, catalog=catalog, replace=replace)
    late = f"{training.feedback.described}, as in {run}; what had not been delivered at its end is not learned from"
    _train(training, [training.agent.missing(), late if training.feedback.late else ""])


def _resume(run: Path) -> None:
    """Resumes a stopped training, and prints what differs from the environment in which it began."""
    with signals.kept(_how_to_resume(run)):
        from preroll.simulations.training import checkpoint
        from preroll.simulations.training.training import prepare_resume

        training = prepare_resume(run)
        changed = "; ".join(checkpoint.differences(run))
    _train(training, [f"it may not end bit for bit as one never stopped: {changed}" if changed else ""])


def _train(training: "Training", notes: Sequence[str] = ()) -> None:
    """Runs ``training``, once nobody else can write its run, and prints notes, a progress bar and a summary."""
    assert training.target is not None
    with _told_how_to_resume(training.target), training.reserved(training.target):
        untaught = f"agent {training.agent.name} will learn nothing: {training.untaught}" if training.untaught else ""
        for note in filter(None, [*notes, untaught]):
            typer.echo(printable(f"note: {note}"), err=True)
        result = _trained(training)
    _tell(training, result, training.target)


def _trained(training: "Training") -> "TrainingResult":
    """Runs ``training`` with a progress bar; until the run is in its place a signal stops it."""
    from preroll import progress

    title = f"Training {training.agent.name} (sessions)"
    with progress.bar(training.sessions, title) as advance, signals.polled() as stop:
        if training.resumed is not None:
            advance(training.resumed.ledger.ended)
        result = training.run(advance, stop=stop, save_every=SAVE_EVERY)
        signals.finished()
    return result


def _tell(training: "Training", result: "TrainingResult", run: Path) -> None:
    """Prints a summary."""
    from preroll.agents.registry import find
    from preroll.envs.optimum.knowledge import in_words
    from preroll.envs.optimum.phases import PhasedOptimum

    agent = training.agent.name
    met = PhasedOptimum(result.tables, int(result.tables.arrays.phase_start[result.phases - 1]) + 1)
    which, revenue, optimum = _lately(result.curve, training.before)
    further = "further " if training.origin else ""
    exploring = "" if find(agent).family == "baseline" else "while it was still exploring, "
    typer.echo(
        f"{agent}: {result.sessions:,} {further}sessions in {result.seconds:.1f} s; {exploring}"
        f"{which} earned {revenue:.2f} each; {in_words(met.note)} is {optimum:.2f}."
    )
    if result.feedback.late:
        typer.echo(_earned_late(result))
    if result.tables.n_phases > 1:
        typer.echo(_phases(result))
    for note in result.notes:
        typer.echo(f"note: {printable(note)}")
    shares = ", ".join(f"{phase} {share:.0f} %" for phase, share in result.times.percent().items())
    typer.echo(f"Time: {result.cpu_seconds:.1f} CPU-s: {shares}.")
    typer.echo(f"Run: {run}\nCompare it: preroll evaluate {quote(str(run))}")
    typer.echo(f"Look at it: preroll tensorboard {quote(str(run.parent))}")


def _lately(curve: "Curve", before: int) -> tuple[str, float, float]:
    """Returns what the last sessions earned and their optimum: the mean of so many points that chance is small."""
    import numpy as np

    from preroll.simulations.training.curves import FEWEST

    widths = np.diff([before, *curve.sessions])
    reached = np.flatnonzero(widths[::-1].cumsum() >= FEWEST)
    points = int(reached[0]) + 1 if len(reached) else len(widths)
    revenue, expected, regret = (
        np.average(np.nan_to_num(np.array(curve.values[f"session/{name}"][-points:], float)), weights=widths[-points:])
        for name in ("revenue", "expected", "regret")
    )
    about = int(float(f"{widths[-points:].sum():.1g}"))
    which = "all of them" if points == len(widths) else f"about the last {about:,}"
    return which, float(revenue), float(expected + regret)


@contextmanager
def _told_how_to_resume(run: Path) -> Iterator[None]:
    """Adds to an error the note that a checkpoint is there, if one is."""
    from preroll.simulations.training import checkpoint

    try:
        with writes(run):
            yield
    except BaseException as error:
        if checkpoint.place(run).exists():
            error.add_note(_how_to_resume(run))
        raise


def _how_to_resume(run: Path) -> str:
    return f"go on with `preroll train --resume {quote(str(run))}`"


def _earned_late(result: "TrainingResult") -> str:
    """Returns a line on what late feedback cost."""
    return (
        f"With {result.feedback.described} all {result.sessions:,} earned {result.earned_while_learning:.2f} % of the "
        f"optimum while learning; what happened in {result.waiting:,} slots came too late to be learned from."
    )


def _phases(result: "TrainingResult") -> str:
    """Returns a line on the phases of drift that the training met, and what it takes to meet all of them."""
    lanes, last = min(result.agent.num_envs, result.sessions), int(result.tables.arrays.phase_start[-1])
    line = f"Phases of drift met: {result.phases} of {result.tables.n_phases}, in {lanes:,} lanes."
    if result.phases < result.tables.n_phases:
        line += f" The last begins at session {last:,} of a lane, here after about {last * lanes:,} sessions in total."
    return line
