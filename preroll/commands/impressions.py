"""`preroll impressions`: an impression log of a trained agent, with propensities."""

from pathlib import Path
from typing import Annotated

import typer

from preroll.console import signals
from preroll.system.memory import TABLES, require
from preroll.terminal.counts import parse_count, seed_option
from preroll.terminal.output_options import Replace


def impressions(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder written by `preroll train`.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="NAME.parquet or NAME.csv, to write.")],
    sessions: Annotated[
        int | None,
        typer.Option(
            parser=parse_count,
            metavar="N",
            help="Sessions to play.",
            show_default="10,000, or more if a phase of drift begins later",
        ),
    ] = None,
    seed: Annotated[int, seed_option("Of the users; `preroll evaluate` with the same seed meets the same.")] = 0,
    explore: Annotated[bool, typer.Option(help="Explore as in training, or always show the best ad.")] = True,
    catalog: Annotated[str | None, typer.Option(help="Another catalog.", show_default="the run's own")] = None,
    replace: Replace = False,
) -> None:
    """Write an impression log: one row per slot with observation, ad, propensity, view and reward.

    For off-policy evaluation and for trying tools on a log whose truth is known. With drift every phase occurs by
    default; the phase and the session's number in its lane are columns. In a CSV file so is each number of the
    observation.

    Example: `preroll impressions runs/classic-thompson-0 impressions.parquet --sessions 1000`
    """
    require("a log of impressions", TABLES)
    from preroll import progress
    from preroll.files.kinds import CSV, PARQUET
    from preroll.files.streams import is_stream, messages_beside
    from preroll.files.targets import writing_file
    from preroll.simulations.evaluation.impression_log import default_sessions, phases_met, write_impressions
    from preroll.simulations.runs.common_tables import tables_of
    from preroll.simulations.training.run import Run

    trained = Run.load(run)
    tables = tables_of([trained], None, catalog)
    sessions = default_sessions(tables) if sessions is None else sessions
    inputs = (run, tables.catalog.path)
    with writing_file(file, str(file), PARQUET, CSV, replace=replace, inputs=inputs), messages_beside(file):
        agent = trained.load_agent()
        with progress.bar(sessions, f"Logging {trained.name}") as advance:
            rows = write_impressions(
                file, agent, tables, sessions=sessions, seed=seed, explore=explore, advance=advance
            )
        signals.finished()
        size = "" if is_stream(file) else f", {file.stat().st_size:,} bytes"
        typer.echo(f"{file}: {rows:,} impressions of {sessions:,} sessions{size}")
        if tables.n_phases > 1:
            met, needed = phases_met(tables, sessions), tables.arrays.phase_start[-1] + 1
            more = f"; all of them need --sessions {needed} or more" if met < tables.n_phases else ""
            typer.echo(f"Phases of drift: {met} of {tables.n_phases}{more}.")
