"""`preroll experiment report`: one HTML page about an experiment."""

from pathlib import Path
from typing import Annotated

import typer

from preroll.console import signals
from preroll.terminal.output_options import Replace


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of an experiment.")],
    out: Annotated[Path | None, typer.Option(help="File to write.", show_default="DIR/report.html")] = None,
    pictures: Annotated[Path | None, typer.Option(help="Folder for the main charts as SVG files.")] = None,
    replace: Replace = False,
) -> None:
    """Write one page of HTML with everything that an experiment showed; it needs no network and no other file.

    Example: `preroll experiment report threshold`
    """
    from preroll.files.kinds import HTML
    from preroll.files.streams import is_stream, messages_beside
    from preroll.files.targets import writing_file
    from preroll.simulations.experiment.execution.store import CELLS, FILE, PLAN, Store
    from preroll.simulations.report.data import Material
    from preroll.simulations.report.page import check_pictures, write_pictures, write_report

    path = out or folder / "report.html"
    inputs = [folder / name for name in (PLAN, FILE, CELLS)]
    with writing_file(path, f"--out {path}", HTML, replace=replace, inputs=inputs), messages_beside(path):
        material = Material.of(Store(folder))
        if pictures is not None:
            check_pictures(material, pictures, replace=replace)
        write_report(folder, path)
        drawn = [] if pictures is None else write_pictures(material, pictures)
        signals.finished()
        size = "" if is_stream(path) else f": {path.stat().st_size / 1e6:.2f} MB"
        typer.echo(f"{path}{size}")
        for picture in drawn:
            typer.echo(str(picture))
