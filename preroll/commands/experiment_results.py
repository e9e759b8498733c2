"""`preroll experiment results`: the tidy table of an experiment."""

from contextlib import ExitStack
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from preroll.console import signals
from preroll.console.output import printable
from preroll.errors import PrerollError
from preroll.terminal.output_options import Replace
from preroll.terminal.table import print_table


def results(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of an experiment.")],
    csv: Annotated[bool, typer.Option("--csv", help="Write DIR/results.csv.")] = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="Write DIR/results.parquet.")] = False,
    replace: Replace = False,
) -> None:
    """Print the means of an experiment, or write its tidy table: one row per cell, with every setting and number.

    A cell that failed has a row with the reason, in the column `failure`, and no number.

    Exit status 1 where cells are missing.

    Example: `preroll experiment results threshold --csv`
    """
    from preroll.files.kinds import CSV, PARQUET
    from preroll.files.targets import writing_file
    from preroll.simulations.experiment.execution.store import CellState, Store
    from preroll.simulations.experiment.execution.summary import footnotes, spare, summary
    from preroll.simulations.experiment.execution.tidy_table import results, write_csv, write_parquet

    store = Store(folder)
    plan = store.read_plan()
    states = store.states(plan)
    if csv or parquet:
        files = [(folder / "results.csv", CSV, write_csv)] if csv else []
        files += [(folder / "results.parquet", PARQUET, write_parquet)] if parquet else []
        with ExitStack() as stack:
            for path, kind, _ in files:
                stack.enter_context(writing_file(path, str(path), kind, replace=replace))
            table = results(store)
            for path, _, write in files:
                write(table, path)
            signals.finished()
            for path, *_ in files:
                typer.echo(f"{path}: {len(table)} rows, {len(table.columns)} columns")
    else:
        print_table(*summary(store, plan, states), left=("point", "agent"), prose=("point",), spare=spare(plan))
        for sentence in footnotes(store, plan, states):
            typer.echo(sentence)
    for name, reason in store.reasons(states).items():
        typer.echo(printable(f"failed: {name}: {reason}"))
    if missing := sum(state is not CellState.DONE for state in states.values()):
        raise PrerollError(
            f"{missing} of {len(states)} cells are not done; see preroll experiment status {quote(str(folder))}",
            status=1,
        )
