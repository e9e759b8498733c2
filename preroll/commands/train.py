"""`preroll train`: training an agent into a run folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from preroll.console import signals
from preroll.console.output import printable
from preroll.console.write_errors import writes
from preroll.errors import PrerollError

if TYPE_CHECKING:
    from preroll.simulations.training.training import Training, TrainingResult

SAVE_EVERY = 60.0  # seconds between two checkpoints


def train(
    agent: Annotated[
        str | None,
        typer.Argument(metavar="AGENT", help="random, greedy, thompson, linucb, dqn, ppo, …: `preroll agent list`."),
    ] = None,
    scenario: Annotated[str, typer.Option(help="Preset, or a YAML file.")] = "classic",
    catalog: Annotated[str, typer.Option(help="`demo`, or a folder made by `preroll catalog build`.")] = "demo",
    sessions: Annotated[int | None, typer.Option(help="Sessions to see.", show_default="the agent's own")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same run.")] = 0,
    run: Annotated[Path | None, typer.Option(help="Folder.", show_default="runs/SCENARIO-AGENT-SEED")] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Setting of the agent, or dotted of scenario."),
    ] = None,
    sb3_defaults: Annotated[
        bool, typer.Option("--sb3-defaults", help="PPO or DQN with the settings of stable-baselines3, to compare.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an existing run.")] = False,
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="RUN", help="Resume a stopped training, without AGENT.")
    ] = None,
) -> None:
    """Train an agent on sessions.

    Baselines and oracles play along, so that every agent has a curve over sessions seen.

    A checkpoint is saved at Ctrl-C and every minute; `--resume` continues from it, with the same result bit for bit.

    Example: `preroll train dqn --scenario fatigue --seed 1 --set num_envs=256 --set user.mismatch=0.2`
    """
    from preroll.agents import preset
    from preroll.agents.registry import effective_settings, find
    from preroll.agents.settings import parse
    from preroll.envs.scenario.scenario import Scenario
    from preroll.simulations.training.training import prepare
    from preroll.terminal.set_option import parse_changes

    if resume is not None:
        if agent is not None or changes or run is not None or sb3_defaults:
            raise PrerollError(f"--resume {resume}: takes no AGENT, --run, --set or --sb3-defaults")
        _resume(resume)
        return
    if agent is None:
        raise PrerollError("train: an AGENT is needed; `preroll agent list` names them")
    find(agent)
    settings, overrides = parse_changes(changes or [])
    world = Scenario.load(scenario).replace(overrides)
    if sb3_defaults:
        defaults = preset.sb3_defaults(agent)
        followed = parse(find(agent).load().Settings, agent, settings, defaults)
        values = {name: getattr(followed, name) for name in {**defaults, **settings}}
        settings = {**effective_settings(agent, world.name, values), **settings}
    run = run or Path("runs") / f"{world.name}-{agent}-{seed}"
    training = prepare(
        agent,
        scenario=world,
        catalog=catalog,
        sessions=sessions,
        seed=seed,
        run=run,
        settings=settings,
        replace=replace,
    )
    _train(training)


def _resume(run: Path) -> None:
    """Resumes a stopped training, and prints what differs from the environment in which it began."""
    from preroll.simulations.training import checkpoint
    from preroll.simulations.training.training import prepare_resume

    training = prepare_resume(run)
    if changed := checkpoint.differences(run):
        typer.echo(f"note: it may not end bit for bit as one never stopped: {printable('; '.join(changed))}", err=True)
    _train(training)


def _train(training: "Training") -> None:
    """Runs ``training`` with a progress bar and prints a summary."""
    from preroll import progress
    from preroll.envs.optimum.knowledge import in_words
    from preroll.envs.optimum.phases import PhasedOptimum

    agent, run = training.agent.name, training.target
    assert run is not None
    with progress.bar(training.sessions, f"Training {agent} (sessions)") as advance, signals.polled() as stop:
        if training.resumed is not None:
            advance(training.resumed.ledger.ended)
        with _told_how_to_resume(run):
            result = training.run(advance, stop=stop, save_every=SAVE_EVERY)
        signals.finished()
    met = PhasedOptimum(result.tables, int(result.tables.arrays.phase_start[result.phases - 1]) + 1)
    curve, best = result.curve, in_words(met.note)
    last = curve.sessions[-1] - [0, *curve.sessions][-2]
    expected, regret = (curve.values[f"session/{name}"][-1] or 0.0 for name in ("expected", "regret"))
    typer.echo(
        f"{agent}: {result.sessions:,} sessions in {result.seconds:.1f} s; while it was still exploring, the last "
        f"{last:,} earned {curve.values['session/revenue'][-1]:.2f} each; {best} is {expected + regret:.2f}."
    )
    if result.tables.n_phases > 1:
        typer.echo(_phases(result))
    for note in result.notes:
        typer.echo(f"note: {printable(note)}")
    shares = ", ".join(f"{phase} {share:.0f} %" for phase, share in result.times.percent().items())
    typer.echo(f"Time: {result.cpu_seconds:.1f} CPU-s: {shares}.")
    typer.echo(f"Run: {run}\nCompare it: preroll evaluate {quote(str(run))}")
    typer.echo(f"Look at it: tensorboard --logdir {quote(str(run.parent))}")


@contextmanager
def _told_how_to_resume(run: Path) -> Iterator[None]:
    """Adds to an error the note that a checkpoint is there, if one is."""
    from preroll.simulations.training import checkpoint

    try:
        with writes(run):
            yield
    except BaseException as error:
        if checkpoint.place(run).exists():
            error.add_note(f"resume with `preroll train --resume {quote(str(run))}`")
        raise


def _phases(result: "TrainingResult") -> str:
    """Returns a line on the phases of drift that the training met, and what it takes to meet all of them."""
    lanes, last = min(result.agent.num_envs, result.sessions), int(result.tables.arrays.phase_start[-1])
    line = f"Phases of drift met: {result.phases} of {result.tables.n_phases}, in {lanes:,} lanes."
    if result.phases < result.tables.n_phases:
        line += f" The last begins at session {last:,} of a lane, here after about {last * lanes:,} sessions in total."
    return line
