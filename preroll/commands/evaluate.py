"""`preroll evaluate`: trained runs compared with random, greedy and the exact optimum."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from preroll.commands.pictures import stacked, write_figure
from preroll.console.output import printable
from preroll.errors import PrerollError
from preroll.files.kinds import PNG, SVG
from preroll.files.streams import messages_beside
from preroll.files.targets import writing_file
from preroll.terminal.counts import parse_count, seed_option
from preroll.terminal.numbers import AsCsv, AsJson, form_of, print_numbers
from preroll.terminal.output_options import Replace, world_files

if TYPE_CHECKING:
    from preroll.agents import Agent
    from preroll.envs.model.tables import Tables
    from preroll.envs.scenario.scenario import Scenario
    from preroll.simulations.evaluation.evaluation import Evaluation
    from preroll.simulations.training.run import Run

    #: A scenario on a catalog, and the agents that play it.
    Game = tuple[Tables, dict[str, Agent]]


def evaluate(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders made by `preroll train`.")],
    sessions: Annotated[
        int, typer.Option(parser=parse_count, metavar="N", help="Sessions that every agent plays.")
    ] = 100_000,
    seed: Annotated[int, seed_option("Other users; never those of a training.")] = 0,
    scenario: Annotated[
        list[str] | None,
        typer.Option(help="Another scenario; may be given several times.", show_default="the runs' own"),
    ] = None,
    catalog: Annotated[str | None, typer.Option(help="Another catalog.", show_default="the runs' own")] = None,
    no_exact: Annotated[
        bool, typer.Option("--no-exact", help="Simulate alone; compute no exact value of a run.")
    ] = False,
    csv: AsCsv = False,
    json: AsJson = False,
    plot: Annotated[Path | None, typer.Option(help="Write bars with intervals (.png or .svg).")] = None,
    replace: Replace = False,
) -> None:
    """Compare trained agents, without exploration, with common random numbers: the same users and draws.

    Random, greedy and the optimum are always among them. A column with the name of a length class is its share of the
    ads shown. Runs of several scenarios play each of them whose ads and observations they know.

    Example: `preroll evaluate runs/classic-dqn-0 runs/classic-thompson-0 --sessions 1000000`
    """
    from preroll.simulations.evaluation.evaluation import REFERENCES
    from preroll.simulations.runs.run_names import once
    from preroll.simulations.training.run import Run

    form = form_of(csv, json, plot)
    inputs = (*runs, *(file for one in scenario or [""] for file in world_files(one, catalog)))
    with writing_file(plot, f"--plot {plot}", PNG, SVG, replace=replace, inputs=inputs) as kind, messages_beside(plot):
        folders, repeated = once(runs)
        opened = [Run.load(folder) for folder in folders]
        players = players_of([run for run in opened if run.settings.agent not in REFERENCES])
        games, notes = games_of(opened, players, scenario or [], catalog)
        notes += repeated
        results = _play(games, sessions, seed, exact=not no_exact)
        if form is None:
            _print(results)
        else:
            print_numbers(({"scenario": one.scenario, **row.to_row()} for one in results for row in one.rows), form)
        for note in notes:
            typer.echo(printable(f"note: {note}"), err=form is not None)
        if plot is not None:
            write_figure(stacked([(len(one.rows), one.plot) for one in results]), plot, kind)
            typer.echo(f"Percent of the optimum: {plot}", err=form is not None)


def _play(games: "list[Game]", sessions: int, seed: int, *, exact: bool) -> "list[Evaluation]":
    """Evaluates on every scenario; what is wrong with one is told before any is played."""
    from preroll import progress
    from preroll.simulations.evaluation import evaluation

    for tables, players in games:
        evaluation.check(players, tables, sessions)
    total = sum(len(players) + len(evaluation.REFERENCES) for _, players in games)
    with progress.bar(total, f"Evaluating on {sessions:,} sessions") as advance:
        return [
            evaluation.evaluate(players, tables, sessions=sessions, seed=seed, exact=exact, advance=advance)
            for tables, players in games
        ]


def _print(evaluations: "list[Evaluation]") -> None:
    from preroll.simulations.evaluation.table import LEGEND, footnote

    if len(evaluations) == 1:
        print_comparison(evaluations[0])
        return
    for evaluation in evaluations:
        typer.echo(printable(f"Scenario {evaluation.scenario}:"))
        _print_rows(evaluation)
        typer.echo(f"{footnote(evaluation)}\n")
    typer.echo(LEGEND)


def print_comparison(evaluation: "Evaluation") -> None:
    """Prints the table, and what its numbers mean."""
    from preroll.simulations.evaluation.table import LEGEND, footnote

    _print_rows(evaluation)
    typer.echo(f"{footnote(evaluation)} {LEGEND}")


def _print_rows(evaluation: "Evaluation") -> None:
    from preroll.simulations.evaluation.table import comparison_table
    from preroll.terminal.table import print_table

    lengths = reversed(evaluation.rows[0].shares)
    spare = ("less optimum, paired", "exact", "slots", "viewed", "regret", "empty", *lengths)  # the implied ones first
    print_table(*comparison_table(evaluation), left=("agent",), spare=spare)


def games_of(
    runs: "list[Run]", players: "dict[str, Agent]", scenarios: list[str], catalog: str | None
) -> "tuple[list[Game], list[str]]":
    """Returns the scenarios to play, those asked for or the runs' own, each with the players that fit, and notes.

    Raises:
        PrerollError: the runs have no catalog in common, or no player fits any scenario.
    """
    from preroll.agents.fit import check_fit
    from preroll.simulations.runs.common_tables import tables_of

    notes = [f"{run.name}: {note}" for run in runs for note in run.notes]
    wanted: Sequence[str | Scenario] = scenarios or [run.scenario for run in runs]
    games: list[Game] = []
    misfits: list[str] = []
    for one in (one for number, one in enumerate(wanted) if one not in wanted[:number]):
        tables, playing = tables_of(runs, one, catalog), dict(players)
        for name, agent in players.items():
            try:
                check_fit(name, agent.spec, tables.spec)
            except PrerollError as misfit:
                del playing[name]
                misfits.append(str(misfit))
        games.append((tables, playing))
    if players and not any(playing for _, playing in games):
        raise PrerollError(misfits[0])
    return games, notes + [f"{misfit}; the agent is left out of its table" for misfit in misfits]


def players_of(runs: "list[Run]") -> "dict[str, Agent]":
    """Returns the trained agents by the name of their run, with as much of the path as tells it from others."""
    from preroll.simulations.evaluation.evaluation import REFERENCES
    from preroll.simulations.runs.run_names import named

    return {name: run.load_agent() for name, run in named(runs, REFERENCES).items()}
