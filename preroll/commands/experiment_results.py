"""`preroll experiment results`: the tidy table of an experiment."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from preroll.commands.pictures import stacked, write_figure
from preroll.console import signals
from preroll.console.output import print_data, printable
from preroll.errors import PrerollError
from preroll.files.streams import messages_beside
from preroll.terminal.numbers import AsCsv, AsJson, form_of
from preroll.terminal.output_options import Replace
from preroll.terminal.table import print_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from preroll.simulations.experiment.design.plan import Plan
    from preroll.simulations.experiment.execution.store import CellState, Store


def results(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of an experiment.")],
    csv: AsCsv = False,
    json: AsJson = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="Write DIR/results.parquet.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Write bars with intervals (.png or .svg).")] = None,
    replace: Replace = False,
) -> None:
    """Print the means of an experiment, or its tidy table: one row per cell, with every setting and number.

    A cell that failed has a row with the reason, in the column `failure`, and no number.

    Exit status 1 where cells are missing.

    Example: `preroll experiment results threshold --csv > threshold.csv`
    """
    from preroll.files.kinds import PNG, SVG
    from preroll.files.targets import writing_file
    from preroll.simulations.experiment.execution import tidy_table
    from preroll.simulations.experiment.execution.store import CellState, Store
    from preroll.simulations.experiment.execution.summary import footnotes, spare, summary

    store, form = Store(folder), form_of(csv, json, plot)
    wanted = writing_file(plot, f"--plot {plot}", PNG, SVG, replace=replace, inputs=[folder])
    with wanted as kind, messages_beside(plot):
        plan = store.read_plan()
        states = store.states(plan)
        if parquet:
            _write_parquet(store, replace)
        if form is not None:
            print_data(tidy_table.as_text(tidy_table.results(store), form))
        elif not parquet:
            print_table(*summary(store, plan, states), left=("point", "agent"), spare=spare(plan), group=True)
            for sentence in footnotes(store, plan, states):
                typer.echo(sentence)
        if plot is not None:
            write_figure(_picture(store, plan, states), plot, kind)
            typer.echo(f"Percent of the optimum: {plot}", err=form is not None)
    for name, reason in store.reasons(states).items():
        typer.echo(printable(f"failed: {name}: {reason}"), err=form is not None)
    if missing := sum(state is not CellState.DONE for state in states.values()):
        raise PrerollError(
            f"{missing} of {len(states)} cells are not done; see `preroll experiment status {quote(str(folder))}`",
            status=1,
        )


def _write_parquet(store: "Store", replace: bool) -> None:
    """Writes the tidy table into the folder of the experiment."""
    from preroll.files.kinds import PARQUET
    from preroll.files.targets import writing_file
    from preroll.simulations.experiment.execution import tidy_table

    path = store.path / "results.parquet"
    with writing_file(path, str(path), PARQUET, replace=replace):
        table = tidy_table.results(store)
        tidy_table.write_parquet(table, path)
        signals.finished()
        typer.echo(f"{path}: {len(table)} rows, {len(table.columns)} columns", err=True)


def _picture(store: "Store", plan: "Plan", states: "Mapping[str, CellState]") -> "Figure":
    """Returns bars of the means over seeds, a panel for each point."""
    from preroll.shown import plots
    from preroll.simulations.experiment.execution.summary import PERCENT, percent_bars

    found = percent_bars(store, plan, states)
    if not found:
        raise PrerollError(f"{store.path}: no cell is done, so that there is nothing to draw", status=1)
    titles = {point: f"{plan.name}: {point}" if len(found) > 1 else plan.name for point in found}
    return stacked(
        [
            (len(rows), partial(plots.bars, rows=rows, title=titles[point], x=PERCENT, best=100))
            for point, rows in found.items()
        ]
    )
