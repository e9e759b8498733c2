"""`preroll detector card`: the card of a network, from its file, its outputs and what the user says."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from preroll.console import signals
from preroll.console.nearest import known
from preroll.console.output import printable
from preroll.console.plural import counted
from preroll.errors import PrerollError
from preroll.files.names import beside
from preroll.terminal.counts import parse_count
from preroll.terminal.table import print_table
from preroll.terminal.video_options import Trust

if TYPE_CHECKING:
    from preroll.perception.analysis.readings import Reading
    from preroll.perception.onnx_models.model_card import ModelCard
    from preroll.perception.video.resize import Pixels

_USUAL = "usual of the layout"
Model = Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="The network.")]


def card(
    model: Model,
    pictures: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PICTURE]…", help="Pictures that show its classes.", show_default="drawn"),
    ] = None,
    classes: Annotated[
        Path | None, typer.Option(help="File of class names: one a line, JSON, or {0: 'name', …}; needed unless known.")
    ] = None,
    decoder: Annotated[
        str | None, typer.Option(help="A decoder or a layout, such as yolov8.", show_default="what fits the outputs")
    ] = None,
    size: Annotated[str | None, typer.Option(help="HEIGHTxWIDTH.", show_default="as in the file")] = None,
    fit: Annotated[str | None, typer.Option(help="crop, letterbox or stretch.", show_default=_USUAL)] = None,
    channels: Annotated[str | None, typer.Option(help="RGB, BGR or gray.", show_default=_USUAL)] = None,
    mean: Annotated[
        str | None,
        typer.Option(help="Subtracted from pixels of 0 … 255: R,G,B in the channels' order.", show_default=_USUAL),
    ] = None,
    scale: Annotated[str | None, typer.Option(help="Multiplied afterwards.", show_default=_USUAL)] = None,
    activation: Annotated[str | None, typer.Option(help="softmax or sigmoid.", show_default=_USUAL)] = None,
    outputs: Annotated[
        str | None, typer.Option(help="probabilities, or logits without the activation.", show_default=_USUAL)
    ] = None,
    background: Annotated[
        str | None, typer.Option(help="none, first or last: a class beside those named.", show_default=_USUAL)
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Least confidence.", show_default="0.25")] = None,
    top: Annotated[
        int | None,
        typer.Option(parser=parse_count, metavar="N", help="Most classes per frame.", show_default="1 with softmax"),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Any other field of the card, such as box_format=yxyx."),
    ] = None,
    trust: Trust = None,
    out: Annotated[Path | None, typer.Option(help="The card.", show_default="MODEL.json")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an existing card.")] = False,
) -> None:
    """Write the card of a network: every known layout that fits its outputs is tried on very different pictures.

    Where two layouts are plausible none is chosen. The card of a network that preroll knows is taken, with the fields
    that are given.
    """
    from preroll.files import atomic
    from preroll.files.kinds import CARD
    from preroll.files.streams import is_stream, messages_beside
    from preroll.files.targets import writing_file
    from preroll.perception.onnx_models.networks import find_network

    model = find_network(model)
    if model.is_dir():  # before its files are compared with --out
        raise PrerollError(f"detector {model}: is a folder; it must be an ONNX model")
    place = out or beside(model, ".json")
    told = f"--out {place}"
    given = {
        "decoder": decoder,
        "input_size": None if size is None else _sides(size),
        "fit": fit,
        "channels": channels,
        "mean": None if mean is None else _three("--mean", mean),
        "scale": None if scale is None else _three("--scale", scale),
        "activation": activation,
        "outputs": outputs,
        "background": background,
        "score_threshold": threshold,
        "top": top,
        **_fields(changes or []),
    }
    inputs = [model, *([] if classes is None else [classes]), *(pictures or [])]
    with writing_file(place, told, CARD, replace=replace, inputs=inputs), messages_beside(place):
        if not replace and place.exists() and not is_stream(place):
            raise PrerollError(f"{told}: the file exists; choose another file, or give --replace")
        made = _chosen(model, classes, given, pictures or [], trust)
        atomic.write_json(place, made.model_dump(mode="json"))
        signals.finished()
        height, width = made.input_size
        typer.echo(
            f"{place}: {made.decoder}, {counted(len(made.classes), 'class', 'classes')};"
            f" frames {made.fit}, {height} × {width}, {made.channels}, {made.dtype}, {made.layout}."
        )


def _chosen(
    model: Path, classes: Path | None, given: dict[str, Any], pictures: list[Path], trust: str | None
) -> "ModelCard":
    """Returns the card that preroll knows of a network, or that of the one reading of its outputs that can be meant."""
    from preroll.files.hashing import sha256_of
    from preroll.perception.analysis.card_builder import read_classes, trial_card
    from preroll.perception.onnx_models.layouts import LAYOUTS
    from preroll.perception.onnx_models.model_card import committed_cards, parse_card

    if not model.is_file():
        raise PrerollError(f"detector {model}: no such file; it must be an ONNX model")
    if classes is None:
        committed = committed_cards().get(sha256_of(model))
        if committed is not None:
            typer.echo(f"{model}: preroll knows this network as {committed.name}.")
            told = {field: value for field, value in given.items() if value is not None}
            return parse_card(json.dumps({**committed.model_dump(mode="json"), **told}), beside(model, ".json"))
        raise PrerollError("--classes FILE: is needed; it holds the names of the network's classes in their order")
    names = list(dict.fromkeys([*LAYOUTS, *(str(one.fields["decoder"]) for one in LAYOUTS.values())]))
    if given["decoder"] not in (None, *names):
        raise PrerollError(f"--decoder {given['decoder']}: {known(given['decoder'], 'must be one of', names)}")
    card = trial_card(model, read_classes(classes), given, trust)
    return _read_as_one(model, card, given, [_picture(path) for path in pictures])


def _read_as_one(model: Path, trial: "ModelCard", given: dict[str, Any], pictures: "list[Pixels]") -> "ModelCard":
    from preroll.perception.analysis.card_builder import doubts
    from preroll.perception.analysis.detector import Detector, trial_frames
    from preroll.perception.analysis.readings import choose, fitted, readings, shapes_of
    from preroll.perception.demo.probes import drawn_pictures
    from preroll.perception.onnx_models.layouts import LAYOUTS
    from preroll.perception.onnx_models.model_file import ModelFile
    from preroll.perception.workers.pool import try_in_worker

    try_in_worker(ModelFile(model, trial))
    detector = Detector(model, trial)
    shown = pictures or drawn_pictures()
    found = readings(detector, given, shown)
    if not found:
        outputs = shapes_of(detector.named_outputs(trial_frames(detector.fit)[:1]))
        raise PrerollError(
            f"detector {model}: no known layout fits its outputs {outputs} with"
            f" {counted(len(trial.classes), 'class', 'classes')} and what is said of it; known are"
            f" {', '.join(LAYOUTS)}; docs/perception.md says how to describe others"
        )
    if len(found) > 1:
        _tell(found, len(shown))
    chosen = choose(found, str(model)).card
    reader = detector.reread(chosen)
    for doubt in doubts(reader, fitted(reader, shown)):
        typer.echo(f"warning: {doubt}", err=True)
    return chosen


def _tell(found: "list[Reading]", pictures: int) -> None:
    typer.echo(f"What its outputs say in {counted(pictures, 'picture')}, by layout:")
    rows = [[one.name, printable(one.found), printable("; ".join(one.problems)) or "plausible"] for one in found]
    columns = ("layout", "found", "judgement")
    print_table(columns, rows, left=columns, prose=("found", "judgement"))


def _picture(path: Path) -> "Pixels":
    from preroll.perception.video.frame_folders import read_picture

    try:
        return read_picture(path)
    except ValueError as error:
        raise PrerollError(f"picture {path}: cannot be read: {error}") from None


def _fields(changes: list[str]) -> dict[str, Any]:
    """Returns the fields of ``--set FIELD=VALUE``."""
    from preroll.perception.onnx_models.model_card import ModelCard
    from preroll.terminal.set_option import parse_changes

    fields, others = parse_changes(changes)
    for field in (*others, *fields):
        if field not in ModelCard.model_fields:
            raise PrerollError(
                f"--set {field}: is no field of a card; {known(field, 'those are', ModelCard.model_fields)}"
            )
    return fields


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
