"""`preroll report` and `preroll tensorboard`: an experiment to look at."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from preroll.errors import PrerollError


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of an experiment.")],
    out: Annotated[Path | None, typer.Option(help="File to write.", show_default="DIR/report.html")] = None,
    pictures: Annotated[Path | None, typer.Option(help="Folder for the main charts as SVG files.")] = None,
) -> None:
    """Write one page of HTML with everything that an experiment showed; it needs no network and no other file.

    Example: `preroll report threshold`
    """
    from preroll.simulations.experiment.execution.store import Store
    from preroll.simulations.report.data import Material
    from preroll.simulations.report.page import write_pictures, write_report

    path = out or folder / "report.html"
    if path.is_dir():
        raise PrerollError(f"--out {path}: is a folder; a file is needed")
    material = Material.of(Store(folder))
    size = write_report(material, path)
    typer.echo(f"{path}: {size / 1e6:.2f} MB")
    if pictures is not None:
        for picture in write_pictures(material, pictures):
            typer.echo(str(picture))


def tensorboard(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of an experiment, or of runs.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 6006,
) -> None:
    """Start TensorBoard on this machine alone (127.0.0.1), with every cell under a readable name.

    Example: `preroll tensorboard threshold`
    """
    import subprocess

    from preroll.simulations.experiment.execution.store import CELLS

    if not folder.is_dir():
        raise PrerollError(f"{folder}: no such folder")
    logdir = folder / CELLS if (folder / CELLS).is_dir() else folder
    command = [sys.executable, "-W", "ignore", "-m", "tensorboard.main", "--logdir", str(logdir)]
    started = subprocess.Popen([*command, "--host", "127.0.0.1", "--port", str(port)])
    try:
        status = started.wait()
    finally:
        started.terminate()
        started.wait()
    if status:
        raise PrerollError(f"tensorboard ended with exit status {status}", status=1)
