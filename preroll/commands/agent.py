"""`preroll agent`: the agents and their settings."""

import json
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from preroll.console import signals
from preroll.console.write_errors import writes
from preroll.system.memory import NETWORKS, require

app = typer.Typer(
    help="List the agents, show an agent's settings with defaults and sources, import one of stable-baselines3.",
    no_args_is_help=True,
)


@app.command(name="list")
def list_agents() -> None:
    """List the agents: baselines, bandits and deep agents.

    Example: `preroll agent list`
    """
    from preroll.agents.registry import AGENTS
    from preroll.terminal.table import print_table

    rows = [(name, entry.family, entry.description) for name, entry in AGENTS.items()]
    columns = ("agent", "family", "description")
    print_table(columns, rows, left=columns, prose=("description",), spare=("family",))


@app.command()
def show(agent: Annotated[str, typer.Argument(metavar="AGENT", help="A name of `preroll agent list`.")]) -> None:
    """Show what an agent does, and its settings: default, what is allowed, meaning and source of the default.

    Example: `preroll agent show linucb`, then `preroll train linucb --set alpha=0.5`
    """
    import inspect

    from preroll.agents.preset import presets_of
    from preroll.agents.registry import find
    from preroll.terminal.table import print_table

    kind = find(agent).load()
    about = (inspect.getdoc(kind) or "").partition("\n\nExamples:")[0]
    typer.echo(f"{agent}: {about.replace('``', '`')}\n")
    properties = kind.Settings.model_json_schema()["properties"]
    rows = [
        (name, _default(entry["default"]), _allowed(entry), entry["description"]) for name, entry in properties.items()
    ]
    columns, prose = ("setting", "default", "allowed", "meaning and source"), ("allowed", "meaning and source")
    print_table(columns, rows, left=("setting", "meaning and source"), prose=prose)
    for preset, settings in presets_of(agent).items():
        typer.echo(f"Preset {preset}: {', '.join(f'{key}={_default(value)}' for key, value in settings.items())}")
    if rows:
        name, default, *_ = rows[-1]
        typer.echo(f"Change one for a training: preroll train {agent} --set {quote(f'{name}={default}')}")


@app.command(name="import")
def import_agent(
    file: Annotated[Path, typer.Argument(metavar="ZIP", help="Written by `model.save` of stable-baselines3.")],
    run: Annotated[Path, typer.Option(help="Folder of the run to write.")],
    scenario: Annotated[str, typer.Option(help="What it was trained on: preset, or a YAML file.")] = "classic",
    catalog: Annotated[str, typer.Option(help="`demo`, or a folder made by `preroll catalog build`.")] = "demo",
    trust_pickle: Annotated[
        bool, typer.Option("--trust-pickle", help="Let the file's author run code on this machine: loading it does.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an existing run.")] = False,
) -> None:
    """Make a run of a PPO or DQN that was trained and saved with stable-baselines3.

    Example: `preroll agent import best_model.zip --scenario fatigue --run runs/mine --trust-pickle`
    """
    require("an agent of stable-baselines3", NETWORKS)
    from preroll.agents.interop.sb3_import import import_sb3
    from preroll.envs.model.tables import Tables
    from preroll.files import atomic
    from preroll.run_folder import check_target
    from preroll.simulations.runs.import_run import write_imported

    check_target(run, replace=replace)
    with atomic.writing(run, f"--run {run}"):
        tables = Tables.compile(scenario, catalog)
        agent = import_sb3(file, tables, trust_pickle=trust_pickle)
        with writes(run):
            write_imported(agent, tables, run, replace=replace)
        signals.finished()
    typer.echo(
        f"{agent.name}: trained for {agent.steps:,} steps.\nRun: {run}\nCompare it: preroll evaluate {quote(str(run))}"
    )


def _default(value: object) -> str:
    """Returns a default as it is written after ``--set NAME=``."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


_BOUNDS = {"minimum": "≥ {}", "exclusiveMinimum": "> {}", "maximum": "≤ {}", "exclusiveMaximum": "< {}"}


def _allowed(about: dict[str, object]) -> str:
    """Returns the allowed values of a setting, from its JSON schema.

    >>> _allowed({"type": "integer", "minimum": 1, "maximum": 65536}), _allowed({"enum": ["a", "b"]})
    ('integer ≥ 1, ≤ 65,536', 'a | b')
    """
    if isinstance(choices := about.get("enum"), list):
        return " | ".join(map(str, choices))
    bounds = [text.format(_number(about[key])) for key, text in _BOUNDS.items() if key in about]
    kind = "list" if about.get("type") == "array" else about.get("type", "any")
    return " ".join([str(kind), ", ".join(bounds)]).strip()


def _number(value: object) -> str:
    """Returns a bound with a thousands separator and no needless digits.

    >>> _number(1000000), _number(0.5), _number(1.0)
    ('1,000,000', '0.5', '1')
    """
    return f"{value:,g}" if isinstance(value, float) else f"{value:,}"
