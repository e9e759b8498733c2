"""`preroll detector`: model cards for networks, and fine-tuning of classifiers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from preroll.console import signals
from preroll.console.output import printable
from preroll.errors import PrerollError
from preroll.terminal.catalog_summary import warn_of_copies
from preroll.terminal.output_options import Replace, model_files
from preroll.terminal.plural import counted
from preroll.terminal.table import print_table

if TYPE_CHECKING:
    from preroll.perception.transfer.fine_tune import TransferResult

app = typer.Typer(help="List, fetch and make networks that find objects.", no_args_is_help=True)

# More unreadable pictures than these are counted.
_LISTED = 10
Model = Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="The network.")]


@app.command(name="list")
def list_networks() -> None:
    """List the networks that --detector takes by name: which are here, and where the others come from."""
    from preroll.perception.onnx_models.networks import known_networks

    columns = ("name", "here", "classes", "trained on", "licence of the weights", "from")
    rows = [
        (one.name, "yes" if one.here else "no", one.classes or "no card", one.trained_on, one.license, one.source)
        for one in known_networks()
    ]
    print_table(columns, [tuple(printable(str(cell)) for cell in row) for row in rows], left=columns)


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
    if known is None and not out.with_suffix(".json").exists():
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


@app.command()
def card(
    model: Model,
    classes: Annotated[Path, typer.Option(help="File of class names: one a line, JSON, or {0: 'name', …}.")],
    decoder: Annotated[str, typer.Option(help="classifier, yolox, yolo-seg, maskrcnn or semantic.")] = "classifier",
    size: Annotated[str | None, typer.Option(help="HEIGHTxWIDTH.", show_default="as in the file")] = None,
    fit: Annotated[str, typer.Option(help="crop, letterbox or stretch.")] = "crop",
    channels: Annotated[str, typer.Option(help="RGB or BGR.")] = "RGB",
    mean: Annotated[
        str, typer.Option(help="Subtracted from pixels of 0 … 255: R,G,B in the channels' order.")
    ] = "0,0,0",
    scale: Annotated[str, typer.Option(help="Multiplied afterwards.")] = "1,1,1",
    activation: Annotated[str, typer.Option(help="softmax or sigmoid.")] = "softmax",
    outputs: Annotated[str, typer.Option(help="probabilities, or logits without the activation.")] = "probabilities",
    background: Annotated[str, typer.Option(help="none, first or last: a class beside those named.")] = "none",
    threshold: Annotated[float | None, typer.Option(help="Least confidence.", show_default="0.25")] = None,
    top: Annotated[int | None, typer.Option(help="Most classes per frame.", show_default="1 with softmax")] = None,
    out: Annotated[Path | None, typer.Option(help="The card.", show_default="MODEL.json")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an existing card.")] = False,
) -> None:
    """Write the card of a network, and try it on very different pictures: a wrong card often shows in its answers."""
    from preroll.files import atomic
    from preroll.files.kinds import CARD
    from preroll.files.streams import is_stream, messages_beside
    from preroll.files.targets import writing_file
    from preroll.perception.analysis.card_builder import doubts, make_card, read_classes
    from preroll.perception.analysis.detector import Detector
    from preroll.perception.demo.probes import probe_pictures
    from preroll.perception.onnx_models.model_file import ModelFile
    from preroll.perception.onnx_models.networks import find_network
    from preroll.perception.workers.pool import try_in_worker

    model = find_network(model)
    place = out or model.with_suffix(".json")
    told = f"--out {place}"
    given = {
        "decoder": decoder,
        "input_size": None if size is None else _sides(size),
        "fit": fit,
        "channels": channels,
        "mean": _three("--mean", mean),
        "scale": _three("--scale", scale),
        "activation": activation,
        "outputs": outputs,
        "background": background,
        "score_threshold": threshold,
        "top": top,
    }
    with writing_file(place, told, CARD, replace=replace, inputs=(model, classes)), messages_beside(place):
        if not replace and place.exists() and not is_stream(place):
            raise PrerollError(f"{told}: the file exists; choose another file, or give --replace")
        made = make_card(model, read_classes(classes), given)
        try_in_worker(ModelFile(model, made))
        detector = Detector(model, made)
        for doubt in doubts(detector, probe_pictures(detector.fit)):
            typer.echo(f"warning: {doubt}", err=True)
        atomic.write_json(place, made.model_dump(mode="json"))
        signals.finished()
        height, width = made.input_size
        typer.echo(
            f"{place}: {made.decoder}, {counted(len(made.classes), 'class', 'classes')};"
            f" frames {made.fit}, {height} × {width}, {made.channels}, {made.dtype}, {made.layout}."
        )


def _sides(text: str) -> tuple[int, int]:
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) != 2 or not all(part.strip().isdecimal() for part in parts):
        raise PrerollError(f"--size {text}: must be HEIGHTxWIDTH, such as 224x224")
    return int(parts[0]), int(parts[1])


def _three(option: str, text: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) not in (1, 3):
        raise PrerollError(f"{option} {text}: must be one number, or three with commas between them")
    return numbers * 3 if len(numbers) == 1 else numbers


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
