"""The `preroll` command: every group of commands put together, and one way to report an error."""

import sys

import typer

from preroll import __version__
from preroll.commands import catalog, detect
from preroll.errors import PrerollError

app = typer.Typer(
    name="preroll",
    help="Which ad should a video platform show now? Start with `preroll quickstart`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(catalog.app, name="catalog")
app.command()(detect.detect)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"preroll {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Which ad should a video platform show now? Start with `preroll quickstart`."""


def main() -> None:
    """Runs the command line; errors of the user are one line on stderr and an exit status, never a traceback."""
    try:
        app()
    except PrerollError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.status)
