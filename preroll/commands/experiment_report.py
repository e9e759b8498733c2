"""`preroll experiment report`: one HTML page about an experiment."""

from pathlib import Path
from typing import Annotated

import typer

from preroll.console import signals
from preroll.console.write_errors import writes


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of an experiment.")],
    out: Annotated[Path | None, typer.Option(help="File to write.", show_default="DIR/report.html")] = None,
    pictures: Annotated[Path | None, typer.Option(help="Folder for the main charts as SVG files.")] = None,
) -> None:
    """Write one page of HTML with everything that an experiment showed; it needs no network and no other file.

    Example: `preroll experiment report threshold`
    """
    from preroll.simulations.experiment.execution.store import Store
    from preroll.simulations.report.data import Material
    from preroll.simulations.report.page import write_pictures, write_report

    with writes(out or folder):
        path = write_report(folder, out)
    typer.echo(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    if pictures is not None:
        with writes(pictures):
            drawn = write_pictures(Material.of(Store(folder)), pictures)
        for picture in drawn:
            typer.echo(str(picture))
    signals.finished()
