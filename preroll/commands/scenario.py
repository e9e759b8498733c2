"""`preroll scenario`: presets, and checking and creating scenario files."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from preroll.console import signals
from preroll.console.output import print_data, printable
from preroll.console.plural import counted, percent
from preroll.errors import PrerollError
from preroll.files.streams import is_stream
from preroll.files.targets import Inputs
from preroll.terminal.output_options import world_files
from preroll.terminal.set_option import ScenarioChanges, changed_scenario
from preroll.terminal.table import print_table

if TYPE_CHECKING:
    from preroll.envs.scenario.scenario import Scenario as Model

app = typer.Typer(help="List, show and check scenarios: all probabilities, rewards and rules.", no_args_is_help=True)

Scenario = Annotated[str, typer.Argument(metavar="SCENARIO", help="Preset, or a YAML file.")]
Out = Annotated[Path | None, typer.Option(metavar="FILE", help="File to write.", show_default="it is printed")]
REPLACE = typer.Option("--replace", help="Replace a file that is there.")


@app.command(name="list")
def list_presets() -> None:
    """List the presets.

    Example: `preroll scenario list`
    """
    from preroll.envs.scenario.scenario import Scenario, preset_names

    presets = [Scenario.load(name) for name in preset_names()]
    rows = [
        (p.name, p.session.horizon, len(p.ads), _yes(p.session.no_ad), p.description.split(":")[0].split(". ")[0])
        for p in presets
    ]
    print_table(
        ("scenario", "horizon", "ads", "no ad", "description"),
        rows,
        left=("scenario", "no ad", "description"),
        prose=("description",),
        spare=("no ad", "ads", "horizon"),
    )


@app.command()
def show(
    scenario: Scenario, changes: ScenarioChanges = None, out: Out = None, replace: Annotated[bool, REPLACE] = False
) -> None:
    """Print a scenario as YAML with every value, defaults included, as a start for your own.

    Example: `preroll scenario show classic --set user.mismatch=0.2 --out mine.yaml`
    """
    with _writing(out, replace, world_files(scenario, None)) as write:
        write(changed_scenario(scenario, changes))


@app.command()
def check(
    scenario: Scenario,
    catalog: Annotated[str, typer.Option(help="`demo`, or a folder made by `preroll catalog build`.")] = "demo",
    changes: ScenarioChanges = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with status 1 where there is a warning.")] = False,
) -> None:
    """Check a scenario, alone and on a catalog; say what random, greedy and the optimum earn.

    Warn of mechanisms that agents cannot see, of keys that have no effect and of ads that are never best.

    Example: `preroll scenario check mine.yaml --catalog catalog`
    """
    from preroll.envs.lint.warnings import warnings_about
    from preroll.envs.model.tables import Tables
    from preroll.envs.optimum.knowledge import in_words
    from preroll.envs.optimum.phases import PhasedOptimum

    tables = Tables.compile(changed_scenario(scenario, changes), catalog)
    exact = PhasedOptimum(tables, 1)
    typer.echo(
        f"{scenario} is valid: {len(tables.ads)} ads, {tables.n_actions} actions, up to {tables.n_slots} slots a "
        f"session, {tables.n_videos:,} videos, {tables.layout.size} numbers observed: {', '.join(tables.layout.parts)}."
    )
    values = {name: exact.value_of(exact.references[name]) for name in ("greedy", "random")}
    shares = [
        f"{name} earns {percent(value / exact.optimum if exact.optimum else 1)}" for name, value in values.items()
    ]
    best, phase = in_words(exact.note), " in the first phase of drift" if tables.n_phases > 1 else ""
    typer.echo(f"{best[0].upper()}{best[1:]}{phase}: {exact.optimum:.3f} a session; {' and '.join(shares)} of it.")
    warnings = warnings_about(tables)
    for warning in warnings:
        typer.echo(printable(f"warning: {warning}"))
    if strict and warnings:
        raise PrerollError(f"{scenario}: {counted(len(warnings), 'warning')}, and --strict allows none", status=1)


@app.command()
def new(
    catalog: Annotated[str, typer.Option(help="`demo`, or a folder made by `preroll catalog build`.")],
    like: Annotated[str, typer.Option(help="Scenario whose rules and numbers are taken over.")] = "classic",
    by_category: Annotated[
        bool, typer.Option("--by-category", help="Write P(view) of every ad before every category, to be filled in.")
    ] = False,
    probabilities: Annotated[
        Path | None,
        typer.Option(
            help="CSV file of ads: column `ad` as group.name, one column for each category or `other`; optional: "
            "`seconds`, `reward`, `length`."
        ),
    ] = None,
    out: Out = None,
    replace: Annotated[bool, REPLACE] = False,
) -> None:
    """Print a valid scenario for the categories of a catalog, to be changed by hand.

    Example: `preroll scenario new --catalog catalog --like fatigue --out mine.yaml`
    """
    from preroll.envs.scenario.template import scenario_for
    from preroll.perception.catalog.catalog import Catalog

    with _writing(out, replace, [*world_files(like, catalog), probabilities], catalog) as write:
        write(scenario_for(Catalog.load(catalog), like, by_category=by_category, probabilities=probabilities))


@contextmanager
def _writing(
    out: Path | None, replace: bool, inputs: Inputs, catalog: str = "demo"
) -> Iterator[Callable[["Model"], None]]:
    """Yields what writes a scenario to ``out``, under that name, or prints it; a block that fails writes nothing."""
    from preroll.files import atomic
    from preroll.files.kinds import OWN_YAML
    from preroll.files.targets import writing_file

    def write(scenario: "Model") -> None:
        if out is None:
            print_data(scenario.dump())
            return
        # Runs are called after the name of their scenario. A name that is none stays the model's.
        own = not is_stream(out) and re.fullmatch(r"[\w-]{1,64}", out.stem)
        atomic.write_text(out, (scenario.replace({"name": out.stem}) if own else scenario).dump())
        signals.finished()
        told, on = quote(str(out)), "" if catalog == "demo" else f" --catalog {quote(catalog)}"
        typer.echo(f"Scenario: {told}\nCheck it: preroll scenario check {told}{on}", err=is_stream(out))

    with writing_file(out, f"--out {out}", OWN_YAML, replace=replace, inputs=inputs):
        yield write


def _yes(value: bool) -> str:
    return "allowed" if value else "never"
