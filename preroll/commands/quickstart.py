"""`preroll quickstart`: from videos to learning curves, on the demo videos."""

import shutil
import sys
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from preroll.console import signals
from preroll.console.plural import counted
from preroll.console.write_errors import writes
from preroll.errors import PrerollError
from preroll.system.memory import CATALOG, require
from preroll.terminal.counts import parse_count, seed_option


def quickstart(
    out: Annotated[Path, typer.Option(help="Folder for everything that is made.")] = Path("preroll-quickstart"),
    scenario: Annotated[str, typer.Option(help="Preset or YAML file.")] = "fatigue",
    seed: Annotated[int, seed_option("Of training and evaluation; the videos are always the same.")] = 0,
    sessions: Annotated[
        int, typer.Option(parser=parse_count, metavar="N", help="Sessions that every agent learns from.")
    ] = 50_000,
    evaluation_sessions: Annotated[
        int, typer.Option(parser=parse_count, metavar="N", help="Sessions of the comparison.")
    ] = 100_000,
    no_exact: Annotated[bool, typer.Option("--no-exact", help="Compute no exact value of an agent.")] = False,
) -> None:
    """Render the demo videos, make a catalog, train five agents beside greedy and random, draw their curves.

    Takes one to three minutes; the catalog in the folder is used again the second time. Exit status 1 where an agent
    that learns is not shown to earn more than random.

    On `fatigue` an agent that plans can earn more than greedy, which knows the truth but looks one slot ahead; on
    `classic` none can.

    Example: `preroll quickstart --out /tmp/quickstart --scenario classic --sessions 20000`
    """
    require("the quickstart", CATALOG)
    from preroll.commands.evaluate import print_comparison
    from preroll.simulations.quickstart import run_quickstart

    with writes(out, "what is complete is kept; go on with the same command"):
        story = run_quickstart(
            out,
            scenario=scenario,
            seed=seed,
            sessions=sessions,
            evaluation_sessions=evaluation_sessions,
            exact=not no_exact,
            note=lambda line: typer.echo(line, err=True),
        )
    signals.finished()
    typer.echo()
    print_comparison(story.evaluation)
    if not shutil.which("preroll"):
        typer.echo(f"\nFirst:        source {quote(str(Path(sys.executable).parent / 'activate'))}", nl=False)
    typer.echo(f"\nCatalog:      preroll catalog show {quote(str(story.catalog))}")
    typer.echo(f"Curves:       {story.pictures[0]}, {story.pictures[1].name}")
    typer.echo(f"TensorBoard:  preroll tensorboard {quote(str(story.runs))}")
    if failed := story.failures():
        raise PrerollError(
            f"not shown to earn more than random after {counted(sessions, 'session')}: {', '.join(failed)}; "
            "train longer with --sessions, or evaluate longer with --evaluation-sessions",
            status=1,
        )
