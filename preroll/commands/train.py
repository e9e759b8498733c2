"""`preroll train`: one agent learns, and a run folder keeps what came of it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from preroll.errors import PrerollError


def train(
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="random, greedy, thompson, linucb, dqn, ppo, …")],
    scenario: Annotated[str, typer.Option(help="Preset, or a YAML file.")] = "classic",
    catalog: Annotated[str, typer.Option(help="`demo`, or a folder made by `preroll catalog build`.")] = "demo",
    sessions: Annotated[int | None, typer.Option(help="Sessions to see.", show_default="the agent's own")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same run.")] = 0,
    run: Annotated[Path | None, typer.Option(help="Folder.", show_default="runs/SCENARIO-AGENT-SEED")] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Setting of the agent, or dotted of scenario."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the run that is there.")] = False,
) -> None:
    """Train an agent on sessions.

    Baselines and oracles play along, so that every agent has a curve over sessions seen.

    Example: `preroll train dqn --scenario pacing --seed 1 --set lanes=256 --set user.mismatch=0.2`
    """
    from preroll import progress
    from preroll.agents.registry import find
    from preroll.envs.scenario import Scenario
    from preroll.simulations.training import prepare

    find(agent)
    settings, overrides = parse_changes(changes or [])
    world = Scenario.load(scenario)
    world = world.replace(overrides) if overrides else world
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
    with progress.bar(training.sessions, f"Training {agent} (sessions)") as advance:
        result = training.run(advance)
    curve = result.curve
    last = curve.sessions[-1] - [0, *curve.sessions][-2]
    typer.echo(
        f"{agent}: {result.sessions:,} sessions in {result.seconds:.1f} s; while it was still exploring, the last "
        f"{last:,} earned {curve.values['session/revenue'][-1]:.2f} each; the exact optimum is {result.optimum:.2f}."
    )
    typer.echo(f"Run: {run}\nCompare it: preroll evaluate {run}\nLook at it: tensorboard --logdir {run.parent}")


def parse_changes(changes: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Splits KEY=VALUE texts, values read as YAML, into settings of the agent and dotted keys of the scenario.

    Raises:
        PrerollError: an entry without ``=``, or one that is no YAML.
    """
    import yaml

    settings: dict[str, Any] = {}
    overrides: dict[str, Any] = {}
    for change in changes:
        key, equals, text = change.partition("=")
        if not key or not equals:
            raise PrerollError(f"--set {change}: KEY=VALUE is expected, such as lanes=256 or user.mismatch=0.2")
        try:
            value = float(text) if _is_number(text) and not text.lstrip("+-").isdigit() else yaml.safe_load(text)
        except yaml.YAMLError:
            raise PrerollError(f"--set {change}: the value is no YAML") from None
        (overrides if "." in key else settings)[key] = value
    return settings, overrides


def _is_number(text: str) -> bool:
    """Whether ``text`` is a number; YAML 1.1 would read 1e-3 as text."""
    try:
        float(text)
    except ValueError:
        return False
    return True
