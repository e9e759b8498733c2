"""`preroll experiment report`: one HTML page about an experiment, or about runs."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from preroll.console import signals
from preroll.console.output import printable
from preroll.errors import PrerollError
from preroll.terminal.output_options import Replace


def report(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR|RUN...", help="Folder of an experiment, or folders of runs.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="File to write.", show_default="DIR/report.html, or RUN.html beside the run")
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Folder for the main charts of an experiment as SVG files.")
    ] = None,
    replace: Replace = False,
) -> None:
    """Write one page of HTML with everything that an experiment, or runs, showed; it needs nothing else.

    Example: `preroll experiment report threshold`, or `preroll experiment report runs/thompson runs/ppo`
    """
    from preroll.files.kinds import HTML
    from preroll.files.streams import is_stream, messages_beside
    from preroll.files.targets import writing_file
    from preroll.simulations.reporting import about_runs, default_path, read_from, write_report
    from preroll.simulations.runs.run_names import once

    folders, notes = once(folders)
    if about_runs(folders) and pictures is not None:
        raise PrerollError(f"--pictures {pictures}: is for an experiment; runs have `preroll explain --plot`")
    path = out or default_path(folders)
    inputs = read_from(folders)
    with writing_file(path, f"--out {path}", HTML, replace=replace, inputs=inputs), messages_beside(path):
        drawn = _checked(folders[0], pictures, replace=replace)
        write_report(folders, path)
        written = drawn()
        signals.finished()
        size = "" if is_stream(path) else f": {path.stat().st_size / 1e6:.2f} MB"
        typer.echo(f"{path}{size}")
        for note in notes:
            typer.echo(printable(f"note: {note}"))
        for picture in written:
            typer.echo(str(picture))


def _checked(folder: Path, pictures: Path | None, *, replace: bool) -> Callable[[], list[Path]]:
    """Returns what writes the pictures, after a look whether they may be written."""
    if pictures is None:
        return list
    from preroll.simulations.experiment.execution.store import Store
    from preroll.simulations.report.data import Material
    from preroll.simulations.report.page import check_pictures, write_pictures

    material = Material.of(Store(folder))
    check_pictures(material, pictures, replace=replace)
    return partial(write_pictures, material, pictures)
