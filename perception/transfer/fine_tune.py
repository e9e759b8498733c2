"""Fine-tuning of a network to new classes: a new head, trained on a folder of pictures, on a frozen backbone."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from av import VideoFrame
from numpy.typing import NDArray
from scipy.special import softmax

from preroll.errors import PrerollError
from preroll.files import atomic, streams
from preroll.files.names import beside
from preroll.perception.analysis.detector import Detector, open_session
from preroll.perception.features.folds import near_copies
from preroll.perception.onnx_models.model_card import Card, ModelCard, read_card
from preroll.perception.onnx_models.model_file import ModelFile
from preroll.perception.transfer.backbone import Backbone, add_head, cut_backbone
from preroll.perception.transfer.head import Head, HoldoutScore, fit_head, hold_out, measure_head
from preroll.perception.transfer.labeled_pictures import FEWEST, LabeledPictures, check_groups, list_pictures
from preroll.perception.video.frame_folders import read_picture
from preroll.perception.video.resize import Fitter, Pixels
from preroll.perception.workers.pool import try_in_worker

# Number of pictures on which the new network is checked, and the largest difference attributed to rounding.
_CHECKED, _TOLERANCE = 8, 1e-3
# The first byte of an ONNX file: the field of its version.
_ONNX = b"\x08"


@dataclass(frozen=True)
class TransferResult:
    """Result of :func:`fine_tune`.

    Attributes:
        card: card of the new network.
        held_out: score of the head on pictures that it was not trained on.
        counts: number of pictures of each class.
        unreadable: pictures that could not be read, with the reason.
        layer: the layer that the new head replaces.
        copies: held-out pictures that are nearly identical to one of the training, with that one.
    """

    card: ModelCard
    held_out: HoldoutScore
    counts: tuple[int, ...]
    unreadable: tuple[tuple[Path, str], ...]
    layer: str
    copies: tuple[tuple[Path, Path], ...] = ()


def fine_tune(
    model: Path,
    pictures: Path,
    out: Path,
    *,
    card: Path | None = None,
    seed: int = 0,
    group_by: str | None = None,
    advance: Callable[[int], None] | None = None,
) -> TransferResult:
    """Trains a new head on a network and writes both as one ONNX file, with its card beside it.

    Args:
        model: an ONNX classifier.
        pictures: a folder with one folder of pictures per class.
        out: the new ONNX file.
        card: the model's card; by default the one beside the model, or the package's card with the model's sha256.
        seed: selects the pictures on which the head is evaluated.
        group_by: what makes pictures frames of one video, all held out or none: ``folder`` (CLASS/VIDEO/1.jpg is read
            too) or ``name`` (equal names but for the mark of a piece, as in match_001.jpg).
        advance: called with the number of pictures processed since the last call.

    Raises:
        PrerollError: if an argument is invalid, or too few pictures can be read.
    """
    given = list_pictures(pictures, group_by)
    found = ModelFile.find(model, card)
    _check_arguments(found, out)
    with atomic.writing(out, f"--out {out}"):
        return _fine_tuned(found, given, pictures, out, seed, group_by, advance)


def _fine_tuned(
    found: ModelFile,
    given: LabeledPictures,
    pictures: Path,
    out: Path,
    seed: int,
    group_by: str | None,
    advance: Callable[[int], None] | None,
) -> TransferResult:
    model = found.model
    try:
        backbone = cut_backbone(onnx.load(str(model), load_external_data=False))
    except PrerollError as error:
        raise PrerollError(f"detector {model}: {error}") from None
    try_in_worker(found)
    detector = Detector(model, found.card)
    embeddings, kept, unreadable = _embed(detector, backbone, given, advance)
    read = given.take(kept)
    if read.counts.min() < FEWEST:
        name, fewest = read.classes[int(read.counts.argmin())], read.counts.min()
        raise PrerollError(f"pictures {pictures / name}: only {fewest} can be read; at least {FEWEST} are needed")
    check_groups(read, pictures)
    held_out = measure_head(embeddings, read.labels, seed, read.groups)
    copies = near_copies(embeddings, [hold_out(read.labels, seed, read.groups)])
    head = fit_head(embeddings, read.labels)
    content = _assemble(detector, backbone, head, embeddings, read.files)
    new = _card(detector.card, out, content, read, held_out, seed, group_by)
    # Killed between the two, the card is of another file, as its sha256 tells whoever reads the pair.
    atomic.write_bytes(out, content)
    atomic.write_json(beside(out, ".json"), new.model_dump(mode="json"))
    pairs = tuple((read.files[one], read.files[other]) for one, other in copies.tolist())
    return TransferResult(new, held_out, tuple(read.counts.tolist()), unreadable, backbone.layer, pairs)


def _check_arguments(found: ModelFile, out: Path) -> None:
    if found.card.finds_objects:
        raise PrerollError(
            f"detector {found.model}: only classifiers can be adapted; its card says {found.card.decoder}"
        )
    if out.suffix != ".onnx":
        raise PrerollError(f"--out {out}: must end in .onnx")
    if out.is_dir() or beside(out, ".json").is_dir():
        raise PrerollError(f"--out {out}: a folder of this name is in the way")
    card = beside(out, ".json")
    if out.exists() and out.samefile(found.model):
        raise PrerollError(f"--out {out}: is the model itself; give another file")
    if card.exists() and card.samefile(found.model):
        raise PrerollError(f"--out {out}: its card would replace the model; give another file")
    if out.exists() and not streams.is_stream(out) and _first_byte(out) not in (_ONNX, b""):
        raise PrerollError(f"--out {out}: exists and is no ONNX file, and would be lost; give another file")
    if card.exists() and card.stat().st_size:
        try:
            read_card(card)
        except PrerollError:
            raise PrerollError(f"--out {out}: {card} exists and is no model card, and would be lost") from None


def _first_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(1)


def _embed(
    detector: Detector, backbone: Backbone, given: LabeledPictures, advance: Callable[[int], None] | None
) -> tuple[NDArray[np.float32], list[int], tuple[tuple[Path, str], ...]]:
    """Returns embeddings [m, d] of the readable pictures, their indices, and the other pictures with the reason."""
    session = open_session(backbone.model.SerializeToString(), detector.model)
    rows: list[NDArray[np.float32]] = []
    kept: list[int] = []
    unreadable: list[tuple[Path, str]] = []
    for numbers, frames in _batches(detector, given.files, unreadable, advance):
        (values,) = session.run(None, detector.feed(frames))
        rows.append(np.asarray(values, np.float32)[: len(frames)])
        kept += numbers
    embeddings = np.concatenate(rows) if rows else np.zeros((0, 1), np.float32)
    if not np.isfinite(embeddings).all():
        raise PrerollError(
            f"detector {detector.model}: it returns numbers that are not finite for some of the pictures"
        )
    return embeddings, kept, tuple(unreadable)


def _batches(
    detector: Detector,
    files: tuple[Path, ...],
    unreadable: list[tuple[Path, str]],
    advance: Callable[[int], None] | None,
) -> Iterator[tuple[list[int], list[Pixels]]]:
    """Yields indices and pixels of as many pictures at a time as the network accepts."""
    numbers: list[int] = []
    frames: list[Pixels] = []
    for number, file in enumerate(files):
        try:
            frames.append(fit_picture(detector, file))
            numbers.append(number)
        except ValueError as error:
            unreadable.append((file, str(error)))
        if advance is not None:
            advance(1)
        if len(frames) == detector.batch:
            yield numbers, frames
            numbers, frames = [], []
    if frames:
        yield numbers, frames


def fit_picture(detector: Detector, file: Path) -> Pixels:
    """Reads a picture and resizes it for a detector like the frames of a video.

    Raises:
        ValueError: if it cannot be read.
    """
    return Fitter(detector.fit)(VideoFrame.from_ndarray(read_picture(file), format="rgb24"))


def _assemble(
    detector: Detector, backbone: Backbone, head: Head, embeddings: NDArray[np.float32], files: tuple[Path, ...]
) -> bytes:
    """Returns the new network as a file, after checking on some pictures that it reproduces the head's probabilities.

    Raises:
        PrerollError: if it does not.
    """
    model = add_head(backbone, head.weights, head.bias, detector.batch_axis)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    session = open_session(content, detector.model)
    for row in range(0, len(files), max(1, len(files) // _CHECKED)):
        (found,) = session.run(None, detector.feed([fit_picture(detector, files[row])]))
        expected = softmax(embeddings[row].astype(np.float64) @ head.weights + head.bias)
        if (difference := float(np.abs(found[0] - expected).max())) > _TOLERANCE:
            raise PrerollError(f"the new network differs from its head by {difference:.2g}; nothing was written")
    return content


def _card(
    card: ModelCard,
    out: Path,
    content: bytes,
    pictures: LabeledPictures,
    held_out: HoldoutScore,
    seed: int,
    group_by: str | None,
) -> ModelCard:
    classes, counts = pictures.classes, pictures.counts
    options = f"--seed {seed}" + ("" if group_by is None else f" --group-by {group_by}")
    low, high = held_out.interval()
    measured = {
        "held_out_pictures": int(held_out.total.sum()),
        "accuracy": round(held_out.accuracy, 4),
        "majority_accuracy": round(held_out.likeliest, 4),
        "accuracy_interval_95": [round(low, 4), round(high, 4)],
        "balanced_accuracy": round(held_out.balanced, 4),
        "per_class": {
            name: {"right": int(right), "held_out": int(total)}
            for name, right, total in zip(classes, held_out.right, held_out.total, strict=True)
        },
    }
    changes = {
        "name": out.stem,
        "sha256": hashlib.sha256(content).hexdigest(),
        "activation": "softmax",
        "outputs": "probabilities",
        "top": None,
        **Card.later,  # of an embedding nothing is left: the new network has one output
        "score_threshold": 0.25,
        "classes": classes,
        "description": f"A new head on {card.name}, trained on {int(counts.sum())} pictures of {len(classes)} classes.",
        "source": f"backbone: {card.name}, sha256 {card.sha256}" + (f", {card.source}" if card.source else ""),
        "metrics": measured,
        "training": {
            "command": f"preroll detector fine-tune {card.name}.onnx IMAGES --out {out.name} {options}",
            "seed": seed,
            "pictures": {name: int(n) for name, n in zip(classes, counts, strict=True)},
        },
    }
    return ModelCard.model_validate({**card.model_dump(), **changes})
