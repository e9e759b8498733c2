"""`preroll detector`: model cards for networks, and fine-tuning of classifiers."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from preroll.commands.detector_card import Model, card
from preroll.console import signals
from preroll.console.output import printable
from preroll.terminal.catalog_summary import warn_of_copies
from preroll.terminal.output_options import Replace, model_files
from preroll.terminal.plural import counted
from preroll.terminal.table import print_table

if TYPE_CHECKING:
    from preroll.perception.transfer.fine_tune import TransferResult

app = typer.Typer(help="Make an ONNX network ready for use as a detector.", no_args_is_help=True)

# More unreadable pictures than these are counted.
_LISTED = 10
app.command()(card)


@app.command()
def fine_tune(
    model: Model,
    images: Annotated[Path, typer.Argument(metavar="IMAGES", help="Folder with one folder of pictures per class.")],
    out: Annotated[Path, typer.Option(help="The new network, NEW.onnx; its card NEW.json is written beside it.")],
    card: Annotated[Path | None, typer.Option(help="Model card.", show_default="found automatically")] = None,
    seed: Annotated[int, typer.Option(help="Decides which pictures are held out.")] = 0,
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
        for path, kind in ((out, ONNX), (out.with_suffix(".json"), CARD)):
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
