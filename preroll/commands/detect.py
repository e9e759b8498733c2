"""`preroll detect`: what one video shows."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from preroll.commands.table import one_line, print_table

if TYPE_CHECKING:
    import pandas as pd


def detect(
    source: Annotated[Path, typer.Argument(metavar="VIDEO", help="A video, or a folder of frames 1.jpg, 2.jpg, ….")],
    out: Annotated[Path | None, typer.Option(help="CSV file for the columns frame, class, confidence, ….")] = None,
    detector: Annotated[Path | None, typer.Option(help="ONNX model.", show_default="the embedded one")] = None,
    card: Annotated[Path | None, typer.Option(help="Model card.", show_default="found by itself")] = None,
    segment: Annotated[
        bool, typer.Option("--segment", help="One row per object: also area [%], x0, y0, x1, y1.")
    ] = False,
    overlay: Annotated[
        Path | None, typer.Option(help="Folder for frames with boxes and masks; with --segment.")
    ] = None,
    top: Annotated[int | None, typer.Option(help="Most classes per frame.", show_default="as the card says")] = None,
) -> None:
    """Find object classes in a video, at three frames a second; with --segment, each object and where it is."""
    from preroll import atomic, progress
    from preroll.perception.detections import detect as detect_in

    done = 0
    with ExitStack() as shown:
        advance: Callable[[int], None] | None = None

        def report(seconds: float, promised: float | None) -> None:
            # The bar comes with the first news, so that a mistake in the arguments is told alone.
            nonlocal advance, done
            if advance is None:
                advance = shown.enter_context(progress.bar(100, "Detecting objects (%)"))
            if promised:
                percent = min(100, round(100 * seconds / promised))
                advance(percent - done)
                done = percent

        table = detect_in(
            source, detector=detector, card=card, segment=segment, overlay=overlay, top=top, progress=report
        )
        if advance is not None:
            advance(100 - done)
    _tell(source, table)
    if out is not None:
        atomic.write_text(out, table.to_csv(index=False))
        typer.echo(f"{len(table):,} rows written to {out}.")
    if overlay is not None:
        typer.echo(f"{table.attrs['frames']:,} frames with their objects drawn written to {overlay}.")


def _tell(source: Path, table: "pd.DataFrame") -> None:
    from preroll.perception.detections import class_summary

    facts = table.attrs
    found = table["frame"].nunique()
    typer.echo(f"{one_line(str(source))}: {facts['frames']} frames sampled, objects in {found}.")
    if facts["status"] != "ok":
        typer.echo(f"Only a part could be seen: {facts['reason']}")
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
        print_table(columns, rows, left=("class",))
