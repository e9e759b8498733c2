"""`preroll detect`: what one video shows."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from preroll.commands.table import one_line, print_table


def detect(
    source: Annotated[Path, typer.Argument(metavar="VIDEO", help="A video, or a folder of frames 1.jpg, 2.jpg, ….")],
    out: Annotated[Path | None, typer.Option(help="CSV file for the columns frame, class, confidence.")] = None,
    detector: Annotated[Path | None, typer.Option(help="ONNX model.", show_default="the embedded one")] = None,
    card: Annotated[Path | None, typer.Option(help="Model card.", show_default="found by itself")] = None,
) -> None:
    """Find object classes in a video, at three frames a second."""
    from preroll import atomic, progress
    from preroll.perception.cards import EMBEDDED
    from preroll.perception.detections import class_summary
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

        table = detect_in(source, detector=detector or EMBEDDED, card=card, progress=report)
        if advance is not None:
            advance(100 - done)
    facts = table.attrs
    found = table["frame"].nunique()
    typer.echo(f"{one_line(str(source))}: {facts['frames']} frames sampled, objects in {found}.")
    if facts["status"] != "ok":
        typer.echo(f"Only a part could be seen: {facts['reason']}")
    summary = class_summary(table)
    rows = [(name, n, f"{mean:.3f}", f"{share:.3f}") for name, n, mean, share in summary.itertuples(index=False)]
    if rows:
        print_table(("class", "frames", "mean confidence", "importance"), rows, left=("class",))
    if out is not None:
        atomic.write_text(out, table.to_csv(index=False))
        typer.echo(f"{len(table):,} rows written to {out}.")
