"""Writing of a page: about one experiment, or about runs of one scenario."""

from collections.abc import Sequence
from pathlib import Path

from preroll.console.nearest import meant, neighbors
from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.files.kinds import HTML
from preroll.files.manifest import kind_of
from preroll.files.targets import check_file
from preroll.simulations.evaluation.evaluation import REFERENCES
from preroll.simulations.experiment.execution.store import CELLS, FILE, PLAN, Store
from preroll.simulations.report.data import Material
from preroll.simulations.report.page import page
from preroll.simulations.report.runs_page import runs_page
from preroll.simulations.runs.common_tables import tables_of
from preroll.simulations.runs.run_names import named, once
from preroll.simulations.training.run import Run

LARGEST = 3_000_000  # bytes


def write_report(folders: str | Path | Sequence[str | Path], path: str | Path | None = None) -> Path:
    """Writes a self-contained HTML page with all that an experiment, or runs, showed.

    It needs no network and no other file.

    Args:
        folders: folder of an experiment, of a run, or of several runs of one scenario.
        path: file to write; by default ``report.html`` in the folder of the experiment, or ``RUN.html`` beside the
            first run.

    Returns:
        The file written.

    Raises:
        PrerollError: there is no experiment and no run, ``path`` is a folder or does not end as a page does, or the
            page would be larger than 3 MB.
    """
    given = [Path(folders)] if isinstance(folders, str | Path) else [Path(folder) for folder in folders]
    path = default_path(given) if path is None else Path(path)
    check_file(path, f"--path {path}", HTML, replace=True)
    html = _runs(given) if about_runs(given) else page(Material.of(Store(given[0])))
    if (size := len(html.encode())) > LARGEST:
        raise PrerollError(f"{path}: the page would have {size / 1e6:.1f} MB, more than 3 MB", status=1)
    atomic.write_text(path, html)
    return path


def about_runs(folders: Sequence[Path]) -> bool:
    """Returns whether a page about these folders is one about runs, and not about an experiment.

    Raises:
        PrerollError: it would be about neither, or about several experiments.
    """
    experiments = any((folder / PLAN).is_file() for folder in folders)
    if not experiments and any(kind_of(folder) == "run" for folder in folders):
        return True
    if len(folders) != 1:
        told = f"{folders[1]}: a" if folders else "no folder: a"
        raise PrerollError(f"{told} page is about one experiment, or about folders of runs")
    if not experiments:
        told = meant(folders[0], neighbors(folders[0])) or "; `preroll experiment run` and `preroll train` make them"
        raise PrerollError(f"{folders[0]}: is no folder of an experiment, nor of a run{told}")
    return False


def default_path(folders: Sequence[Path]) -> Path:
    """Returns the file of a page for which none is named."""
    if not about_runs(folders):
        return folders[0] / "report.html"
    first = folders[0] if folders[0].name not in ("", "..") else folders[0].resolve()  # as it was named, if it can be
    return first.with_name(f"{first.name}.html")


def read_from(folders: Sequence[Path]) -> list[Path]:
    """Returns what a page is made of, which it must not replace."""
    return list(folders) if about_runs(folders) else [folders[0] / name for name in (PLAN, FILE, CELLS)]


def _runs(folders: Sequence[Path]) -> str:
    runs = [Run.load(folder) for folder in once(folders)[0]]
    tables = tables_of(runs, else_told="a page is about runs of one")
    shown = named(runs, REFERENCES)
    learned = {name: run.load_agent() for name, run in shown.items() if run.settings.agent not in REFERENCES}
    return runs_page(shown, learned, tables)
