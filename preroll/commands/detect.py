"""`preroll detect`: object classes in one video."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from preroll.console import signals
from preroll.console.output import printable
from preroll.console.plural import counted
from preroll.terminal.counts import parse_count
from preroll.terminal.output_options import Replace, model_files
from preroll.terminal.table import print_table
from preroll.terminal.video_options import (
    DEFAULT_MEMORY,
    DEFAULT_TIMEOUT,
    CardFile,
    DetectorFile,
    Fast,
    Memory,
    Timeout,
    Trust,
    worker_limits,
)

if TYPE_CHECKING:
    import pandas as pd


def detect(
    source: Annotated[Path, typer.Argument(metavar="VIDEO", help="A video, or a folder of frames 1.jpg, 2.jpg, ….")],
    out: Annotated[Path | None, typer.Option(help="CSV file for the columns frame, time, class, ….")] = None,
    detector: DetectorFile = None,
    card: CardFile = None,
    trust: Trust = None,
    segment: Annotated[
        bool, typer.Option("--segment", help="One row per object: also area [%], x0, y0, x1, y1.")
    ] = False,
    overlay: Annotated[
        Path | None, typer.Option(help="Folder for frames with boxes and masks; with --segment.")
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(parser=parse_count, metavar="N", help="Most classes per frame.", show_default="as the card says"),
    ] = None,
    fast: Fast = False,
    replace: Replace = False,
    worker_memory: Memory = DEFAULT_MEMORY,
    video_timeout: Timeout = DEFAULT_TIMEOUT,
) -> None:
    """Find object classes in a video, at three frames a second; with --segment, each object and where it is."""
    from preroll.files import atomic
    from preroll.files.kinds import CSV
    from preroll.files.streams import messages_beside
    from preroll.files.targets import writing_file
    from preroll.perception.detect_video import detect as detect_in
    from preroll.perception.video.frame_folders import numbered_pictures

    limits = worker_limits(worker_memory, video_timeout)
    inputs = [*(numbered_pictures(source) if source.is_dir() else [source]), *model_files(detector, card)]
    with writing_file(out, f"--out {out}", CSV, replace=replace, inputs=inputs), messages_beside(out):
        with _percent_done() as progress:
            table = detect_in(
                source,
                detector=detector,
                card=card,
                trust=trust,
                segment=segment,
                top=top,
                overlay=overlay,
                fast=fast,
                limits=limits,
                progress=progress,
            )
        _tell(source, table)
        if out is not None:
            atomic.write_text(out, table.to_csv(index=False))
            signals.finished()
            typer.echo(f"{counted(len(table), 'row')} written to {out}.")
        if overlay is not None:
            typer.echo(f"{counted(table.attrs['frames'], 'frame')} with their objects drawn written to {overlay}.")


@contextmanager
def _percent_done() -> Iterator[Callable[[float, float | None], None]]:
    """Draws a progress bar of seconds, from the first report on, so that an error is printed alone."""
    from preroll import progress

    done = 0
    with ExitStack() as shown:
        advance: Callable[[int], None] | None = None

        def report(seconds: float, promised: float | None) -> None:
            nonlocal advance, done
            if advance is None:
                advance = shown.enter_context(progress.bar(100, "Detecting objects (%)"))
            if promised:
                percent = min(100, round(100 * seconds / promised))
                advance(percent - done)
                done = percent

        yield report
        if advance is not None:
            advance(100 - done)


def _tell(source: Path, table: "pd.DataFrame") -> None:
    from preroll.perception.detect_video import class_summary

    facts = table.attrs
    found = table["frame"].nunique()
    typer.echo(f"{printable(str(source))}: {counted(facts['frames'], 'frame')} sampled, objects in {found}.")
    if facts["note"]:
        typer.echo(f"note: {facts['note']}", err=True)
    if facts["status"] != "ok":
        typer.echo(f"Only a part could be seen: {printable(facts['reason'])}")
    columns = ["class", "frames", "mean confidence", "importance"]
    rows = [
        [name, n, f"{mean:.3f}", f"{share:.3f}"]
        for name, n, mean, share in class_summary(table).itertuples(index=False)
    ]
    if "area" in table:
        columns += ["objects", "mean area [%]"]
        by_class = table.groupby("class")["area"].agg(["size", "mean"])
        for row in rows:
            size, mean = by_class.loc[row[0]]
            row += [f"{size:,.0f}", f"{mean:.1f}"]
    if rows:
        print_table(columns, rows, left=("class",), spare=("mean area [%]", "objects"))
