"""`preroll detector`: model cards for networks, and fine-tuning of classifiers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from preroll.commands.detector_card import Model, card
from preroll.console import signals
from preroll.console.output import printable
from preroll.console.plural import counted
from preroll.files.names import beside
from preroll.terminal.catalog_summary import warn_of_copies
from preroll.terminal.counts import seed_option
from preroll.terminal.output_options import Replace, model_files
from preroll.terminal.table import print_table

if TYPE_CHECKING:
    from preroll.perception.transfer.fine_tune import TransferResult

app = typer.Typer(help="List, fetch and make networks that find objects.", no_args_is_help=True)

# More unreadable pictures than these are counted.
_LISTED = 10


@app.command(name="list")
def list_networks() -> None:
    """List the networks that --detector takes by name: which are here, and where the others come from."""
    from preroll.perception.onnx_models.networks import known_networks

    columns, known = ("name", "here", "classes", "trained on", "licence"), known_networks()
    rows = [
        (one.name, "yes" if one.here else "no", one.classes or "no card", one.trained_on, one.license) for one in known
    ]
    print_table(
        columns,
        [tuple(printable(str(cell)) for cell in row) for row in rows],
        left=columns,
        prose=("trained on",),
        spare=("here", "classes"),
    )
    typer.echo("\nThe licence is that of the weights. Where the others come from:")
    for one in known:
        if not one.here:
            typer.echo(printable(f"  {one.name}: {one.source}"))


@app.command()
def get(
    url: Annotated[str, typer.Argument(metavar="URL", help="Address of an ONNX file, https:// or http://.")],
    sha256: Annotated[str, typer.Option("--sha256", help="Hash of the file, without which nothing is fetched.")],
    name: Annotated[str | None, typer.Option(help="For --detector NAME.", show_default="as in the URL")] = None,
    download_size: Annotated[str, typer.Option(help="Largest file.")] = "1GiB",
) -> None:
    """Fetch a network, once: an interrupted download goes on where it stopped when the command is given again."""
    from preroll.bounded import limits
    from preroll.perception.onnx_models.fetch import checked_sha256, fetch, name_in
    from preroll.perception.onnx_models.model_card import committed_cards
    from preroll.perception.onnx_models.networks import place_of
    from preroll.terminal.units import parse_size

    inside = name_in(url)
    wanted = checked_sha256(sha256)
    known = committed_cards().get(wanted)
    called = name or (known.name if known else inside)
    out = place_of(called, wanted)
    limit = min(parse_size(download_size, "--download-size"), limits.NETWORK)
    with _percent("Fetching the network (%)") as report:
        fetch(url, wanted, out, limit=limit, progress=report)
    signals.finished()
    typer.echo(f"{called}: {out}")
    if known is None and not beside(out, ".json").exists():
        typer.echo(f"It has no model card yet: preroll detector card {called} --classes FILE")


@contextmanager
def _percent(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """Draws a progress bar of a part and a whole, from the first report on, so that an error is printed alone."""
    from preroll import progress

    done = 0
    with ExitStack() as shown:
        advance: Callable[[int], None] | None = None

        def report(part: int, whole: int | None) -> None:
            nonlocal advance, done
            advance = advance or shown.enter_context(progress.bar(100, title))
            if whole:
                percent = 100 * part // whole
                advance(percent - done)
                done = percent

        yield report


app.command()(card)


@app.command()
def fine_tune(
    model: Model,
    images: Annotated[Path, typer.Argument(metavar="IMAGES", help="Folder with one folder of pictures per class.")],
    out: Annotated[Path, typer.Option(help="The new network, NEW.onnx; its card NEW.json is written beside it.")],
    card: Annotated[Path | None, typer.Option(help="Model card.", show_default="found automatically")] = None,
    seed: Annotated[int, seed_option("Decides which pictures are held out.")] = 0,
    group_by: Annotated[
        str | None,
        typer.Option(
            help="What is held out as a whole: folder (the folder above) or name (pieces as match_001).",
            show_default="each picture by itself",
        ),
    ] = None,
    replace: Replace = False,
) -> None:
    """Teach a classifier new classes: its backbone stays as it is, a new head is trained on the pictures.

    A quarter of each class is held out to measure the head; the one that is written is trained on all of them. Pictures
    that resemble each other, such as frames of one video, make the held-out ones too easy: --group-by folder keeps
    those of IMAGES/CLASS/VIDEO on one side.
    """
    from preroll import progress
    from preroll.files.kinds import CARD, ONNX
    from preroll.files.targets import writing_file
    from preroll.perception.transfer.fine_tune import fine_tune as train_head
    from preroll.perception.transfer.labeled_pictures import list_pictures

    inputs = [images, *model_files(model, card)]
    with ExitStack() as stack:
        for path, kind in ((out, ONNX), (beside(out, ".json"), CARD)):
            stack.enter_context(writing_file(path, f"--out {path}", kind, replace=replace, inputs=inputs))
        with progress.bar(len(list_pictures(images, group_by).files), "Reading pictures") as advance:
            made = train_head(model, images, out, card=card, seed=seed, group_by=group_by, advance=advance)
    signals.finished()
    _tell(made, model, out)


def _tell(made: "TransferResult", model: Path, out: Path) -> None:
    held = made.held_out
    low, high = held.interval()
    typer.echo(f"{out}: {model.name} up to {printable(made.layer)}, and a new head for {len(made.counts)} classes.")
    typer.echo(
        f"Held-out accuracy {held.accuracy:.1%} (95 % interval {low:.1%} to {high:.1%}; {held.total.sum():,} pictures);"
        f" balanced over the classes {held.balanced:.1%}; always the likeliest class {held.likeliest:.1%}."
    )
    rows = [
        [printable(name), n, int(total), f"{right / total:.1%}"]
        for name, n, right, total in zip(made.card.classes, made.counts, held.right, held.total, strict=True)
    ]
    print_table(("class", "pictures", "held out", "of these right"), rows, left=("class",))
    pairs = [(f"{one.parent.name}/{one.name}", f"{other.parent.name}/{other.name}") for one, other in made.copies]
    warn_of_copies(pairs, int(held.total.sum()), "held-out picture")
    if made.unreadable:
        typer.echo(f"\n{counted(len(made.unreadable), 'picture')} could not be read:")
        for path, reason in made.unreadable[:_LISTED]:
            typer.echo(f"  {printable(f'{path}: {reason}')}")
