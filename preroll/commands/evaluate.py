"""`preroll evaluate`: trained runs compared with random, greedy and the exact optimum."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from preroll.console.output import printable
from preroll.errors import PrerollError
from preroll.terminal.counts import parse_count

if TYPE_CHECKING:
    from preroll.agents import Agent
    from preroll.envs.model.tables import Tables
    from preroll.simulations.evaluation.evaluation import Evaluation
    from preroll.simulations.training.run import Run


def evaluate(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders made by `preroll train`.")],
    sessions: Annotated[
        int, typer.Option(parser=parse_count, metavar="N", help="Sessions that every agent plays.")
    ] = 100_000,
    seed: Annotated[int, typer.Option(help="Other users; never those of a training.")] = 0,
    scenario: Annotated[str | None, typer.Option(help="Another scenario.", show_default="the runs' own")] = None,
    catalog: Annotated[str | None, typer.Option(help="Another catalog.", show_default="the runs' own")] = None,
    no_exact: Annotated[
        bool, typer.Option("--no-exact", help="Simulate alone; compute no exact value of a run.")
    ] = False,
) -> None:
    """Compare trained agents, without exploration, with common random numbers: the same users and draws.

    Random, greedy and the optimum are always among them. A column with the name of a length class is its share of the
    ads shown.

    Example: `preroll evaluate runs/classic-dqn-0 runs/classic-thompson-0 --sessions 1000000`
    """
    from preroll import progress
    from preroll.simulations.evaluation import evaluation
    from preroll.simulations.training.run import Run

    opened = [Run.open(run) for run in runs]
    tables = tables_of(opened, scenario, catalog)
    players = players_of([run for run in opened if run.settings.agent not in evaluation.REFERENCES])
    evaluation.check(players, tables, sessions)
    total = len(players) + len(evaluation.REFERENCES)
    with progress.bar(total, f"Evaluating on {sessions:,} sessions") as advance:
        result = evaluation.evaluate(players, tables, sessions=sessions, seed=seed, exact=not no_exact, advance=advance)
    print_comparison(result)
    for run in opened:
        for note in run.notes:
            typer.echo(printable(f"note: {run.name}: {note}"))


def print_comparison(evaluation: "Evaluation") -> None:
    """Prints the table, and what its numbers mean."""
    from preroll.simulations.evaluation.table import comparison_table, footnote
    from preroll.terminal.table import print_table

    lengths = reversed(evaluation.rows[0].shares)
    spare = ("less optimum, paired", "exact", "slots", "viewed", "regret", "empty", *lengths)  # the implied ones first
    print_table(*comparison_table(evaluation), left=("agent",), spare=spare)
    typer.echo(footnote(evaluation))


def tables_of(runs: "list[Run]", scenario: str | None, catalog: str | None) -> "Tables":
    """Returns the tables to play on: those asked for, else those that all runs were trained on.

    Raises:
        PrerollError: the runs differ in what was not asked for, or their catalog has changed.
    """
    from preroll.envs.model.tables import Tables
    from preroll.perception.catalog.catalog import Catalog

    first = runs[0]
    for run in runs[1:]:
        if scenario is None and run.scenario != first.scenario:
            raise PrerollError(
                f"runs {first.path} and {run.path}: were trained on different scenarios; name one with --scenario"
            )
        if catalog is None and run.settings.catalog.sha256 != first.settings.catalog.sha256:
            raise PrerollError(
                f"runs {first.path} and {run.path}: were trained on different catalogs; name one with --catalog"
            )
    return Tables.compile(scenario or first.scenario, Catalog.load(catalog) if catalog else first.load_catalog())


def players_of(runs: "list[Run]") -> "dict[str, Agent]":
    """Returns the trained agents by the name of their run, with as much of the path as tells it from others."""
    from preroll.simulations.evaluation.evaluation import REFERENCES
    from preroll.simulations.runs.run_names import names_of

    names = names_of([run.path for run in runs], REFERENCES)
    return {name: run.load_agent() for name, run in zip(names, runs, strict=True)}
