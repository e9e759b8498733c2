"""`preroll catalog page`: one HTML page about a catalog; and its points for TensorBoard, of `preroll catalog show`."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from preroll.console import signals
from preroll.console.output import printable
from preroll.console.plural import counted
from preroll.console.write_errors import writes
from preroll.errors import PrerollError
from preroll.terminal.catalog_summary import (
    CATEGORY_COLUMNS,
    category_rows,
    detector_told,
    quality_told,
    report_of,
    wrong_network_told,
)
from preroll.terminal.output_options import Replace
from preroll.terminal.video_options import DEFAULT_MEMORY, DEFAULT_TIMEOUT, Memory, Timeout, Workers, worker_limits

if TYPE_CHECKING:
    from preroll.perception.catalog.catalog import Catalog

Folder = Annotated[str, typer.Argument(metavar="DIR", help="Folder of a catalog; `demo` is the one in the package.")]
Source = Annotated[Path | None, typer.Option(help="The folder of videos, or the table, that it was made of.")]


def page(
    folder: Annotated[
        str, typer.Argument(metavar="DIR", help="Folder of a catalog; `demo` is the one in the package.")
    ],
    out: Annotated[Path, typer.Option(help="File to write.")],
    videos: Source = None,
    replace: Replace = False,
    workers: Workers = None,
    worker_memory: Memory = DEFAULT_MEMORY,
    video_timeout: Timeout = DEFAULT_TIMEOUT,
) -> None:
    """Write one page of HTML to look at a catalog with: contact sheets, what was found, and what is odd.

    It needs no network and no other file, and has at most 5 MB; of a large catalog it shows a sample. Thumbnails are
    drawn from --videos.

    Example: `preroll catalog page DIR --videos VIDEOS --out page.html`
    """
    from preroll.files.kinds import HTML
    from preroll.files.streams import messages_beside
    from preroll.files.targets import writing_file
    from preroll.perception.catalog.catalog import Catalog
    from preroll.perception.visualization.page import Told, write_page
    from preroll.perception.visualization.thumbnails import check_source

    limits = worker_limits(worker_memory, video_timeout)
    catalog = Catalog.load(folder)
    check_source(videos)
    wanted = writing_file(out, f"--out {out}", HTML, replace=replace, inputs=(catalog.path, videos))
    with wanted, messages_beside(out):
        found = [sentence for sentence in (detector_told(catalog), wrong_network_told(catalog)) if sentence]
        told = Told([*found, *quality_told(catalog)], CATEGORY_COLUMNS, category_rows(catalog), report_of(catalog))
        written = write_page(catalog, out, told, videos=videos, workers=workers, limits=limits)
        signals.finished()
        shown = f"{written.videos:,} of {catalog.n_videos:,} videos, {written.pictures:,} with thumbnails"
        typer.echo(f"{out}: {shown}; {written.size / 1e6:.2f} MB")
        _note(written.lacking)


def _note(lacking: str) -> None:
    """Writes to stderr what has no pictures, if anything: the folder given may be another one."""
    if lacking:
        typer.echo(f"note: {printable(lacking)}", err=True)


def check_projector(catalog: "Catalog", out: Path | None, videos: Path | None) -> None:
    """Raises unless `preroll catalog show` may write what ``--tensorboard`` asks for.

    Raises:
        PrerollError: the folder is not empty, or there are videos without it, or there is no such folder of videos.
    """
    from preroll.files.targets import check_inputs, check_new
    from preroll.perception.visualization.thumbnails import check_source

    if out is None:
        if videos is not None:
            raise PrerollError("--videos: is for the pictures of --tensorboard, which is not given")
        return
    check_inputs(out, f"--tensorboard {out}", [catalog.path, videos])
    check_new(out, f"--tensorboard {out}")
    check_source(videos)


def tell_projector(catalog: "Catalog", out: Path, videos: Path | None) -> None:
    """Writes a catalog for TensorBoard's projector, and prints what was written and how to look at it."""
    from preroll.perception.visualization.projector import write_projector

    with writes(out):
        written = write_projector(catalog, out, videos=videos)
    signals.finished()
    drawn = f"{written.pictures:,} with pictures" if videos is not None else "without pictures, which need --videos"
    points = counted(written.points, "point")
    typer.echo(f"\n{points} of {counted(catalog.n_videos, 'video')}, {drawn}, as {', '.join(written.tensors)}.")
    _note(written.lacking)
    typer.echo(f"Projector, in the tab of this name: preroll tensorboard {quote(str(out))}")
