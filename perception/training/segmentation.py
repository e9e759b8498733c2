"""Training of the shipped segmenter: ``python -m preroll.perception.training.segmentation --out DIR``.

Writes DIR/segmenter.onnx and its model card DIR/segmenter.json. One thread, at most 10 CPU-minutes by default. Uses the
same drawn pictures as the classifier, with their exact masks: a pixel belongs to the frontmost object. Demo clips are
never used.
"""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import log_softmax, nll_loss

from preroll.files import atomic
from preroll.files.hashing import sha256_of
from preroll.perception.decoders.instances import Located
from preroll.perception.decoders.semantic import semantic_objects
from preroll.perception.demo.objects import OBJECT_CLASSES
from preroll.perception.onnx_models.model_card import EMBEDDED, ModelCard
from preroll.perception.training.export import onnx_bytes
from preroll.perception.training.pictures import PAD, SIDE, Batch, Pictures
from preroll.perception.training.schedule import fit, replay, total_visits, varied
from preroll.perception.training.segmentation_network import PixelProbabilities, Segmenter
from preroll.perception.training.segmentation_scoring import score_labels
from preroll.perception.training.settings import Settings, read_arguments
from preroll.perception.video.resize import View

#: Uses per picture, on average, before it is dropped; small batch size, because steps matter more than pictures.
VISITS, BATCH = 3, 4
#: Highest learning rates of the classifier's convolutions and of the new layers.
LEARNED_RATE, LEARNING_RATE = 3e-4, 2e-3
#: Weight of the overlap loss relative to the cross entropy of the pixels.
OVERLAP_WEIGHT = 1.0
#: Streams of pictures, independent of each other and of the classifier's: [seed, stream].
TRAIN, TEST = 11, 13
NAME, FILE = "segments", "segmenter"  # name in the card, which catalogs record; name of the files
_AT_ONCE = 25
USUAL = Settings(pictures=6_000, held_out=1_000, drawings=400, cpu_minutes=9.5)


def train(settings: Settings) -> Segmenter:
    """Trains a network on freshly rendered pictures, with progress on stderr."""
    torch.set_num_threads(1)
    torch.manual_seed(settings.seed)
    network = Segmenter(len(OBJECT_CLASSES))
    network.load_classifier(EMBEDDED)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    learned = [*network.down.parameters(), *network.cells.parameters()]
    new = [weights for part in (network.narrow, network.up, network.pixels) for weights in part.parameters()]
    fit(
        torch.optim.AdamW([{"params": learned}, {"params": new}], weight_decay=1e-3),
        _batches(settings),
        lambda pictures, labels: _loss(network(pictures), labels),
        total=total_visits(settings.pictures, VISITS, BATCH),
        peaks=(LEARNED_RATE, LEARNING_RATE),
        cpu_minutes=settings.cpu_minutes,
    )
    network.eval()
    return network


def _loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Computes pixel cross entropy plus 1 − the mean soft intersection over union of the classes in the batch."""
    logarithms = log_softmax(scores, 1)
    entropy = nll_loss(logarithms, labels)
    probabilities = logarithms.exp()
    own = probabilities.gather(1, labels[:, None]).flatten()
    classes = scores.shape[1]
    both = torch.zeros(classes).index_add(0, labels.flatten(), own)
    truth = torch.bincount(labels.flatten(), minlength=classes)
    either = probabilities.sum((0, 2, 3)) + truth - both
    present = truth[1:] > 0
    overlap = (both[1:] / either[1:])[present].mean() if present.any() else torch.ones(())
    return entropy + OVERLAP_WEIGHT * (1 - overlap)


def _batches(settings: Settings) -> Iterator[tuple[Tensor, Tensor]]:
    stream = Pictures([settings.seed, TRAIN], settings.drawings)
    rng = np.random.default_rng([settings.seed, TRAIN, 1])
    for rows in replay(stream, rng, pictures=settings.pictures, visits=VISITS, batch=BATCH):
        pictures = np.stack([batch.pictures[row] for batch, row in rows])
        labels = np.stack([batch.labels[row] for batch, row in rows])
        light, mirrored = varied(rng, pictures, labels)
        yield light, torch.from_numpy(mirrored).long()


def segment(network: PixelProbabilities, card: ModelCard, batch: Batch) -> list[Located]:
    """Returns the objects that the network finds in rendered pictures, decoded with its card."""
    found: list[Located] = []
    for row in range(0, len(batch.pictures), _AT_ONCE):
        with torch.no_grad():
            scores = network(torch.from_numpy(batch.pictures[row : row + _AT_ONCE])).numpy()
        views = [View(rows, columns, top, left, rows, columns) for top, left, rows, columns in batch.frames[row:]]
        found += semantic_objects([scores], card, views[: len(scores)])
    return found


def finish(folder: Path, trained: Segmenter, settings: Settings, started: float) -> None:
    """Measures a trained network on held-out pictures and writes it with its card.

    Args:
        folder: destination of segmenter.onnx and segmenter.json.
        trained: network from :func:`train`.
        settings: settings of the training.
        started: processor time of this process at which training began [s].
    """
    training_seconds = round(time.process_time() - started)
    network = PixelProbabilities(trained)
    model = onnx_bytes(network)
    test = Pictures([settings.seed, TEST], max(2, settings.drawings // 4)).batch(settings.held_out)
    card = _card(model, training=_training(settings, trained, training_seconds))
    metrics = score_labels(segment(network, card, test), test, OBJECT_CLASSES)
    atomic.write_bytes(folder / f"{FILE}.onnx", model)
    atomic.write_json(folder / f"{FILE}.json", card.model_copy(update={"metrics": metrics}).model_dump(mode="json"))


def _training(settings: Settings, network: Segmenter, seconds: int) -> dict[str, Any]:
    return {
        "command": settings.command("preroll.perception.training.segmentation"),
        "begins_with": f"the convolutions of {EMBEDDED.name}, sha256 {sha256_of(EMBEDDED)}",
        "seed": settings.seed,
        "pictures": settings.pictures,
        "held_out_pictures": settings.held_out,
        "parameters": sum(weights.numel() for weights in network.parameters()),
        "cpu_seconds": seconds,
    }


def _card(model: bytes, training: dict[str, Any]) -> ModelCard:
    return ModelCard(
        name=NAME,
        sha256=hashlib.sha256(model).hexdigest(),
        decoder="semantic",
        input_size=(SIDE, SIDE),
        fit="letterbox",
        pad=PAD,
        channels="RGB",
        dtype="uint8",
        layout="NCHW",
        activation="softmax",
        outputs="probabilities",
        background="first",
        classes=OBJECT_CLASSES,
        description="Finds the pixels of the object classes of the demo videos; trained on rendered pictures.",
        license="MIT",
        training=training,
    )


def main(arguments: list[str] | None = None) -> None:
    """Parses the command line and trains."""
    folder, settings = read_arguments(arguments, "Train the embedded segmenter of preroll.", USUAL)
    started = time.process_time()
    finish(folder, train(settings), settings, started)


if __name__ == "__main__":
    main()
