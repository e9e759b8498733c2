"""`preroll explain`: where trained agents lose revenue against the optimum."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from preroll.console.output import printable
from preroll.files import atomic
from preroll.files.kinds import PNG, SVG
from preroll.files.streams import messages_beside
from preroll.files.targets import writing_file
from preroll.terminal.counts import parse_count, seed_option
from preroll.terminal.numbers import AsCsv, AsJson, form_of, print_numbers
from preroll.terminal.output_options import Replace, world_files
from preroll.terminal.table import print_table

if TYPE_CHECKING:
    from preroll.envs.model.tables import Tables
    from preroll.envs.optimum.explanation import Explanation
    from preroll.simulations.evaluation.agent_result import AgentResult


def explain(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders made by `preroll train`.")],
    csv: AsCsv = False,
    json: AsJson = False,
    plot: Annotated[Path | None, typer.Option(help="Write a heat map of category and fatigue (.png or .svg).")] = None,
    sessions: Annotated[
        int,
        typer.Option(
            parser=parse_count, metavar="N", help="Simulated for agents without a table; they weigh phases of drift."
        ),
    ] = 100_000,
    seed: Annotated[int, seed_option("Other users, where sessions are simulated.")] = 0,
    scenario: Annotated[str | None, typer.Option(help="Another scenario.", show_default="the runs' own")] = None,
    catalog: Annotated[str | None, typer.Option(help="Another catalog.", show_default="the runs' own")] = None,
    no_exact: Annotated[bool, typer.Option("--no-exact", help="Simulate, as for agents without a table.")] = False,
    replace: Replace = False,
) -> None:
    """Show where trained agents lose revenue: before which category, at which fatigue, when, and by which ad.

    What is lost is the optimum minus what the agent earns without exploration, as `preroll evaluate` has it. The parts
    of each split add up to it.

    Example: `preroll explain runs/fatigue-ppo-0 --plot where.png`
    """
    from preroll import progress
    from preroll.commands.evaluate import players_of
    from preroll.simulations.evaluation import evaluation
    from preroll.simulations.evaluation.agent_evaluation import evaluate_agent
    from preroll.simulations.runs.common_tables import tables_of
    from preroll.simulations.runs.run_names import once
    from preroll.simulations.training.run import Run

    form = form_of(csv, json, plot)
    inputs = (*runs, *world_files(scenario, catalog))
    with writing_file(plot, f"--plot {plot}", PNG, SVG, replace=replace, inputs=inputs) as kind, messages_beside(plot):
        folders, notes = once(runs)
        opened = [Run.load(folder) for folder in folders]
        tables, players = tables_of(opened, scenario, catalog), players_of(opened)
        evaluation.check(players, tables, sessions)
        results = []
        with progress.bar(len(players), "Explaining") as advance:
            for name, agent in players.items():
                results.append(
                    evaluate_agent(
                        name, agent, tables, sessions=sessions, seed=seed, exact=not no_exact, explained=True
                    )
                )
                advance(1)
        if form is None:
            _print(results, tables, sessions)
        else:
            print_numbers(_numbers(results), form)
        for note in notes:
            typer.echo(printable(f"note: {note}"), err=form is not None)
        if plot is not None:
            _draw(results, tables, plot, svg=kind is SVG)
            typer.echo(f"What is lost by category and fatigue: {plot}", err=form is not None)


def _explanation(result: "AgentResult") -> "Explanation":
    assert result.explanation is not None
    return result.explanation


def _numbers(results: "list[AgentResult]") -> list[dict[str, Any]]:
    from preroll.simulations.evaluation.loss_table import frame

    table = frame({result.name: _explanation(result) for result in results})
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _print(results: "list[AgentResult]", tables: "Tables", sessions: int) -> None:
    """Prints sentences and tables for every agent, and what the numbers mean."""
    from preroll.simulations.evaluation.loss_table import loss_map, loss_table
    from preroll.simulations.evaluation.losses_in_words import sentences
    from preroll.simulations.statistics.intervals import fixed

    for result in results:
        explanation = _explanation(result)
        typer.echo(printable(_headline(result)))
        for sentence in sentences(explanation, of=_against(result)):
            typer.echo(printable(sentence))
        typer.echo()
        columns, rows = loss_table(explanation)
        print_table(columns, rows, left=("split", "part"))
        if tables.n_levels > 1:
            typer.echo("\nBefore each category, at each fatigue level, % of the optimum:")
            print_table(
                ["category", *map(str, range(tables.n_levels))],
                [(name, *(fixed(value, 2) for value in values)) for name, values in loss_map(explanation).items()],
                left=("category",),
                turn="fatigue",
            )
        typer.echo()
    _print_notes(results, tables, sessions)


def _headline(result: "AgentResult") -> str:
    from preroll.shown.amounts import amount, digits_of
    from preroll.simulations.statistics.intervals import Mean, fixed

    explanation = _explanation(result)
    lost, how = fixed(explanation.percent, 2), "exactly"
    if explanation.half_width is not None:
        mean = Mean(explanation.percent, explanation.percent_of(explanation.half_width))
        lost, how = mean.text(2, 0, 100), "in the mean of simulated sessions"
    regret, optimum = fixed(explanation.regret, digits_of(explanation.optimum)), amount(explanation.optimum)
    return f"{result.name} loses {lost} % of {_against(result)}: {regret} of {optimum} per session, {how}."


def _against(result: "AgentResult") -> str:
    return "the bound" if result.optimum_is_bound else "the optimum"


def _print_notes(results: "list[AgentResult]", tables: "Tables", sessions: int) -> None:
    """Prints what was explained, and what a part is and is not."""
    from preroll.envs.optimum.phases import PhasedOptimum
    from preroll.simulations.evaluation.agent_evaluation import lanes_and_sessions

    first = results[0]
    typer.echo(
        printable(
            f"Scenario {tables.scenario.name}: explained is what preroll evaluate evaluates, the saved agent without "
            "exploration; what was lost while learning is in the run's curve. A part is the price of decisions where "
            "they were made, at states to which earlier decisions led."
        )
    )
    if not all(_explanation(result).is_exact for result in results):
        typer.echo(
            f"± is a 95 % interval over {first.lanes:,} independent lanes of {first.sessions:,} simulated sessions, in "
            "which V* − Q* of every decision was summed: the agent has no table, or none was wanted."
        )
    if first.optimum_is_bound:
        typer.echo(f"Against the bound: the optimum {first.optimum_note}. The parts hold the price of not knowing it.")
        _, per_lane = lanes_and_sessions(tables, sessions)
        if (known := PhasedOptimum(tables, per_lane).belief_optimum()) is not None:
            low, high = (100 - 100 * end / first.optimum for end in (known.upper, known.lower))
            typer.echo(f"Of it {low:.2f} to {high:.2f} % of the bound is what nobody can earn who has to infer it.")


def _draw(results: "list[AgentResult]", tables: "Tables", plot: Path, *, svg: bool) -> None:
    from preroll.envs.rendering.figure_bytes import figure_bytes
    from preroll.envs.rendering.loss_plot import draw_losses
    from preroll.simulations.evaluation.loss_table import loss_map

    maps = {result.name: loss_map(_explanation(result)) for result in results}
    figure = draw_losses(maps, title=f"{tables.scenario.name}: what is lost, in % of the optimum")
    atomic.write_bytes(plot, figure_bytes(figure, "svg" if svg else "png"))
