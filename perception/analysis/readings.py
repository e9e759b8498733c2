"""Readings of a network's outputs: the known layouts that fit their shapes, and what each makes of some pictures."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.analysis.detector import Detector, decode, trial_frames
from preroll.perception.analysis.plausibility import oddities
from preroll.perception.decoders.boxes import rows_of
from preroll.perception.decoders.detections import VideoDetections
from preroll.perception.decoders.yolox import grids
from preroll.perception.onnx_models.card_fields import widths
from preroll.perception.onnx_models.layouts import LAYOUTS, Layout
from preroll.perception.onnx_models.model_card import ModelCard
from preroll.perception.video.resize import Fitter, Pixels, View

Outputs = Mapping[str, NDArray[np.generic]]
#: Fewest rows and columns of a map of classes.
_SMALLEST_MAP = 8
#: Most ways of taking the columns of a layout from the outputs: a network of 8 outputs has a few.
_MOST_CHOICES = 64


@dataclass(frozen=True)
class Reading:
    """What a network's outputs say if they are read in a known layout.

    Attributes:
        name: of the layout.
        card: as the layout describes the network.
        found: what is found in the pictures, in words.
        problems: why the layout may be another; empty if it is plausible.
        reads: names of the outputs that it reads.
        named: whether these have the names of that layout's exports.
    """

    name: str
    card: ModelCard
    found: str
    problems: tuple[str, ...]
    reads: frozenset[str]
    named: bool = False


def readings(detector: Detector, given: Mapping[str, Any], pictures: list[Pixels]) -> list[Reading]:
    """Reads a network's outputs in every known layout that fits their shapes.

    Args:
        detector: the network with any card of its size, number type and classes.
        given: fields of the card that the user has said; ``decoder`` may also name a layout.
        pictures: of any size, uint8 [height, width, 3], RGB.

    Raises:
        PrerollError: if the network fails.
    """
    outputs = detector.named_outputs(trial_frames(detector.fit)[1:])
    found = []
    for name, layout in LAYOUTS.items():
        if given.get("decoder") in (None, name, layout.fields["decoder"]):
            for card in _cards(layout, detector.card, given, outputs):
                if _misfit(card, outputs) is None:
                    reads = frozenset(_names_read(card, outputs))
                    named = bool(layout.names) and reads == set(layout.names)
                    found.append(_read(name, detector.reread(card), pictures, reads, named))
    return found


def shapes_of(outputs: Outputs) -> str:
    """Describes outputs in one line."""
    return ", ".join(f"{name} {one.dtype} {list(one.shape)}" for name, one in outputs.items())


def _cards(layout: Layout, known: ModelCard, given: Mapping[str, Any], outputs: Outputs) -> Iterator[ModelCard]:
    """Yields a card for every way to take the layout's columns from the outputs."""
    told = {key: value for key, value in given.items() if value is not None and key != "decoder"}
    fields = {**known.model_dump(exclude={"mean", "scale"}), **layout.fields, **_of_input(known), **told}
    if layout.fields["decoder"] == "boxes" and "columns" not in told:
        choices = list(_assignments(layout, fields, outputs))
    else:
        choices = [{}]
    for chosen in choices:
        try:
            yield ModelCard.model_validate(fields | chosen)
        except ValueError:  # the user said something that this layout has not
            continue


def _of_input(known: ModelCard) -> dict[str, Any]:
    """Returns the fields that the file of the network decides, whatever is usual for its layout."""
    plain = {"mean": (0.0,) * 3, "scale": (1.0,) * 3}
    gray = {"channels": "gray"} if known.channels == "gray" else {}
    return gray | (plain if gray or known.dtype == "uint8" else {})


def _assignments(layout: Layout, fields: Mapping[str, Any], outputs: Outputs) -> Iterator[dict[str, Any]]:
    """Yields the fields ``columns`` and ``transposed`` for every choice of outputs that fit the layout."""
    width = widths(len(fields["classes"]) + (fields.get("background", "none") != "none"), fields.get("bins"))
    slots: list[tuple[tuple[str, ...], bool, int | None]]
    slots = [(columns, i in layout.transposed, None) for i, columns in enumerate(layout.columns)]
    if layout.by_stride:
        cells = [len(grids(tuple(fields["input_size"]), (stride,))[0]) for stride in fields["strides"]]
        slots = [(columns, False, count) for columns in layout.columns for count in cells]
    named = set(layout.names) <= set(outputs)
    fitting = [
        [name for name, output in outputs.items() if _fits(output, sum(width[one] for one in slot[0]), slot)]
        for slot in slots
    ]
    if layout.names and named:
        fitting = [[name] for name in layout.names]
    # Outputs by stride that have the same shape come in the order of their strides.
    for names in islice(product(*fitting), _MOST_CHOICES):
        if len(set(names)) == len(names):
            yield {
                "columns": {name: slot[0] for name, slot in zip(names, slots, strict=True)},
                "transposed": tuple(name for name, slot in zip(names, slots, strict=True) if slot[1]),
            }
            if layout.by_stride:
                return


def _fits(output: NDArray[np.generic], width: int, slot: tuple[tuple[str, ...], bool, int | None]) -> bool:
    columns, transposed, count = slot
    try:
        rows = rows_of(output, "", width, transposed)
    except ValueError:
        return False
    if columns == ("score",) and output.dtype.kind in "iu":
        return False
    if columns == ("label",) and (rows != np.rint(rows)).any():
        return False
    return count is None or rows.shape[1] == count


def _misfit(card: ModelCard, outputs: Outputs) -> str | None:
    """Returns why outputs cannot be read as a card says; None if they can."""
    names = _names_read(card, outputs)
    height, width = card.input_size
    try:
        read = [outputs[name] for name in names]
        if card.decoder == "semantic" and not _is_map(read[0], card):
            return "its first output is no map"
        if card.masks == "box" and any(one.shape[2:] == card.input_size for one in read):
            return "its masks lie over the input"
        decode(read, card, [View(height, width, 0, 0, height, width)])
    except (ValueError, IndexError, KeyError) as error:
        return str(error)
    return None


def _is_map(output: NDArray[np.generic], card: ModelCard) -> bool:
    """Returns whether an output may hold something for each pixel; a classifier may have a map of one pixel."""
    sizes = [size for size in output.shape[1:] if size != 1]
    whole = card.outputs != "labels" or bool((np.asarray(output) == np.rint(output)).all())
    return len(sizes) >= 2 and min(sizes[-2:]) >= _SMALLEST_MAP and whole


def _names_read(card: ModelCard, outputs: Outputs) -> list[str]:
    if card.decoder in ("maskrcnn", "yolo-seg"):
        return list(outputs)
    return list(card.columns or (card.output or next(iter(outputs)),))


def _read(name: str, detector: Detector, pictures: list[Pixels], reads: frozenset[str], named: bool) -> Reading:
    frames = fitted(detector, pictures)
    problems = oddities(detector, frames)
    try:
        found = _in_words(detector, frames)
    except PrerollError as error:
        found, problems = "", [*problems, str(error).removeprefix(f"detector {detector.model}: ")]
    return Reading(name, detector.card, found, tuple(dict.fromkeys(problems)), reads, named)


def fitted(detector: Detector, pictures: list[Pixels]) -> list[Pixels]:
    """Returns pictures of any size at that of a detector's input."""
    fitter = Fitter(detector.fit)
    return [fitter(VideoFrame.from_ndarray(np.ascontiguousarray(one), format="rgb24")) for one in pictures]


def _in_words(detector: Detector, frames: list[Pixels]) -> str:
    """Returns in words in how many frames something is found, and which classes most often."""
    found = detector_results(detector, frames)
    counts = np.bincount(found.label, minlength=len(detector.card.classes))
    kinds = [
        f"{detector.card.classes[i]} {found.confidence[found.label == i].max():.2f}"
        for i in np.argsort(-counts, kind="stable")[:3]
        if counts[i]
    ]
    area = f", mean area {found.area.mean():.1f} %" if detector.card.finds_objects and len(found.area) else ""
    return f"{len(found.label)} in {len(set(found.frame.tolist()))} of {len(frames)}{area}: {', '.join(kinds) or '-'}"


def detector_results(detector: Detector, frames: list[Pixels]) -> VideoDetections:
    """Returns what a detector finds in frames of its input size, whatever their number."""
    steps = range(0, len(frames), detector.batch)
    return VideoDetections.join([detector.find(frames[i : i + detector.batch], i) for i in steps])


def choose(found: list[Reading], model: str) -> Reading:
    """Returns the one reading that can be meant; nothing is guessed where there are several.

    Args:
        found: the readings that fit the shapes of the outputs.
        model: the network, for errors.

    Raises:
        PrerollError: if none or several can be meant, with what to do.
    """
    plausible = [one for one in found if not one.problems]
    # A layout with masks says more than one that leaves them out, and names of outputs say more than shapes.
    plausible = [one for one in plausible if not any(one.reads < other.reads for other in plausible)]
    plausible = [one for one in plausible if one.named] or plausible
    if len(found) == 1 or len(plausible) == 1:
        return (plausible or found)[0]
    names = list(dict.fromkeys(one.name for one in plausible or found))
    how = f"say which with --decoder {' or '.join(names)}"
    if len(names) == 1:
        how = "they differ in the outputs that they read; keep one in the columns of a card"
    if plausible:
        raise PrerollError(f"detector {model}: {len(plausible)} readings of its outputs are plausible; {how}")
    raise PrerollError(
        f"detector {model}: {len(found)} readings fit the shapes of its outputs, and none is plausible; give pictures"
        f" that show its classes, the right --channels, --mean and --scale, or {how}"
    )
