"""`preroll runs`: the runs in a folder, and their removal."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from preroll.console import signals
from preroll.console.output import printable
from preroll.errors import PrerollError

if TYPE_CHECKING:
    from preroll.simulations.runs.found_runs import FoundRun

app = typer.Typer(help="List the runs in a folder, and remove runs.", no_args_is_help=True)


@app.command(name="list")
def list_runs(folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Holds runs.")] = Path("runs")) -> None:
    """List the runs in a folder: finished, running, unfinished (to be resumed) and damaged ones.

    The percentage of the optimum is that of the last sessions of the learning curve, while the agent still explored;
    `preroll evaluate` compares agents.

    Example: `preroll runs list`, then `preroll runs rm runs/classic-random-0`
    """
    from preroll.simulations.runs.found_runs import find_runs
    from preroll.terminal.table import print_table

    found = find_runs(folder)
    if not found:
        typer.echo(f"No runs in {folder}; make one with `preroll train AGENT`.")
        return
    learned = "% of optimum while learning"
    columns = ("run", "state", "agent", "scenario", "sessions", learned, "size", "written")
    spare = ("size", "written", "scenario", "agent", learned, "sessions")
    rows = map(_row, found)
    print_table(columns, rows, left=("run", "state", "agent", "scenario", "written"), spare=spare)
    for run in found:
        if run.why:
            typer.echo(f"{run.state}: {printable(run.why)}")


@app.command()
def rm(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders made by `preroll train`.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove runs, with the checkpoints of unfinished ones, after a question.

    All of them are looked at first: where one is no run, is being written or holds a file that preroll did not write,
    nothing is removed.

    Example: `preroll runs rm runs/classic-random-0 runs/classic-dqn-0`
    """
    from preroll.console.plural import counted
    from preroll.simulations.runs.removal import prepare_removal
    from preroll.terminal.units import format_size

    if not yes and not sys.stdin.isatty():
        raise PrerollError("runs rm: nobody can be asked, since stdin is no terminal; add --yes to remove them")
    removals = [prepare_removal(run) for run in dict.fromkeys(runs)]
    for removal in removals:
        files, names = counted(len(removal.files), "file"), ", ".join(folder.name for folder in removal.folders)
        typer.echo(f"{removal.run}: {format_size(removal.size)}, {files} in {printable(names)}")
    total = f"{counted(len(removals), 'run')}, {format_size(sum(removal.size for removal in removals))}"
    if not yes and not typer.confirm(f"Remove {total}?"):
        raise PrerollError("runs rm: nothing was removed", status=1)
    for run in dict.fromkeys(runs):
        prepare_removal(run).carry_out()
    signals.finished()
    typer.echo(f"Removed {total}.")


def _row(run: "FoundRun") -> list[str]:
    """Returns the line of a run."""
    from preroll.terminal.units import format_size

    asked, seen = run.sessions, run.seen
    return [
        run.path.name,
        run.state,
        run.agent,
        run.scenario,
        "" if asked is None else f"{asked:,}" if seen == asked else f"{seen or 0:,} of {asked:,}",
        "" if run.percent is None else f"{run.percent:.1f}",
        format_size(run.size),
        f"{datetime.fromtimestamp(run.changed):%Y-%m-%d %H:%M}",
    ]
