"""`preroll experiment report`: one HTML page about an experiment, or about runs."""

from pathlib import Path
from typing import Annotated

import typer

from preroll.console import signals
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
    from preroll.simulations.experiment.execution.store import PLAN

    if any((folder / PLAN).is_file() for folder in folders) or not any(map(_is_run, folders)):
        if len(folders) > 1:
            raise PrerollError(f"{folders[1]}: a page is about one experiment, or about folders of runs")
        _check_there(folders[0])
        _of_experiment(folders[0], out, pictures, replace=replace)
    elif pictures is not None:
        raise PrerollError(f"--pictures {pictures}: is for an experiment; runs have `preroll explain --plot`")
    else:
        _of_runs(folders, out, replace=replace)


def _is_run(folder: Path) -> bool:
    from preroll.files.manifest import kind_of

    return kind_of(folder) == "run"


def _check_there(folder: Path) -> None:
    from preroll.console.nearest import meant, neighbors
    from preroll.simulations.experiment.execution.store import PLAN

    if not (folder / PLAN).exists():
        told = meant(folder, neighbors(folder)) or "; `preroll experiment run` and `preroll train` make them"
        raise PrerollError(f"{folder}: is no folder of an experiment, nor of a run{told}")


def _of_experiment(folder: Path, out: Path | None, pictures: Path | None, *, replace: bool) -> None:
    from preroll.files.kinds import HTML
    from preroll.files.streams import messages_beside
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
        _say_written(path)
        for picture in drawn:
            typer.echo(str(picture))


def _of_runs(folders: list[Path], out: Path | None, *, replace: bool) -> None:
    from preroll.commands.evaluate import named, tables_of
    from preroll.files import atomic
    from preroll.files.kinds import HTML
    from preroll.files.streams import messages_beside
    from preroll.files.targets import writing_file
    from preroll.simulations.evaluation.evaluation import REFERENCES
    from preroll.simulations.report.runs_page import runs_page
    from preroll.simulations.training.run import Run

    first = folders[0].absolute()
    path = out or first.with_name(f"{first.name}.html")
    with writing_file(path, f"--out {path}", HTML, replace=replace, inputs=folders), messages_beside(path):
        runs = [Run.open(folder) for folder in folders]
        for run in runs[1:]:
            if run.scenario != runs[0].scenario:
                told = "were trained on different scenarios; a page is about runs of one"
                raise PrerollError(f"runs {runs[0].path} and {run.path}: {told}")
        tables = tables_of(runs, None, None)
        shown = named(runs, REFERENCES)
        learned = {name: run.load_agent() for name, run in shown.items() if run.settings.agent not in REFERENCES}
        atomic.write_text(path, runs_page(shown, learned, tables))
        signals.finished()
        _say_written(path)


def _say_written(path: Path) -> None:
    from preroll.files.streams import is_stream

    size = "" if is_stream(path) else f": {path.stat().st_size / 1e6:.2f} MB"
    typer.echo(f"{path}{size}")
