"""Train the segmenter that is shipped with preroll: ``python -m preroll.perception.training.segmentation --out DIR``.

Writes DIR/segments.onnx and its model card DIR/segments.json. One thread, at most 10 CPU-minutes by default. The same
drawn pictures as for the classifier, with their exact masks: the object in front owns a pixel. Demo clips are never
looked at.
"""

import argparse
import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import log_softmax, nll_loss

from preroll import atomic
from preroll.perception.cards import EMBEDDED, ModelCard
from preroll.perception.geometry import View
from preroll.perception.located import Located
from preroll.perception.manifest import sha256_of
from preroll.perception.objects import OBJECT_CLASSES
from preroll.perception.semantic import semantic_objects
from preroll.perception.training.export import onnx_bytes
from preroll.perception.training.pictures import PAD, SIDE, Batch, Pictures
from preroll.perception.training.schedule import learning_rate, replay, total_visits
from preroll.perception.training.segmentation_network import PixelProbabilities, Segmenter
from preroll.perception.training.segmentation_scoring import score_labels
from preroll.progress import bar

#: How often a picture is used, on average, until it is dropped; small batches, for steps count more than pictures.
VISITS, BATCH = 3, 4
#: Highest learning rates: of the classifier's convolutions, and of the new layers.
LEARNED_RATE, LEARNING_RATE = 3e-4, 2e-3
#: Weight of the loss on overlap, beside the cross entropy of the pixels.
OVERLAP_WEIGHT = 1.0
#: Streams of pictures that share nothing with each other or with the classifier's: [seed, stream].
TRAIN, TEST = 11, 13
NAME = "segments"
_AT_ONCE = 25


@dataclass(frozen=True)
class Settings:
    """What a training run depends on.

    Attributes:
        seed: of the pictures and of the network's initial weights.
        pictures: number of pictures rendered for training.
        held_out: number of pictures for measuring.
        drawings: drawings per class that training pictures use; held-out pictures use others.
        cpu_minutes: training ends early when it has used so much processor time.
    """

    seed: int = 0
    pictures: int = 6_000
    held_out: int = 1_000
    drawings: int = 400
    cpu_minutes: float = 9.5


def train(settings: Settings) -> Segmenter:
    """Train a network on freshly rendered pictures, with progress on stderr."""
    torch.set_num_threads(1)
    torch.manual_seed(settings.seed)
    started = time.process_time()
    network = Segmenter(len(OBJECT_CLASSES))
    network.load_classifier(EMBEDDED)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    learned = [*network.down.parameters(), *network.cells.parameters()]
    new = [weights for part in (network.narrow, network.up, network.pixels) for weights in part.parameters()]
    optimizer = torch.optim.AdamW([{"params": learned}, {"params": new}], weight_decay=1e-3)
    total, seen = total_visits(settings.pictures, VISITS, BATCH), 0
    with bar(total, "training") as advance:
        for pictures, labels in _batches(settings):
            used = (time.process_time() - started) / 60 / settings.cpu_minutes
            if used >= 1:
                break
            for group, peak in zip(optimizer.param_groups, (LEARNED_RATE, LEARNING_RATE), strict=True):
                group["lr"] = learning_rate(max(seen / total, used), peak)
            loss = _loss(network(pictures), labels)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            seen += len(pictures)
            advance(len(pictures))
    network.eval()
    return network


def _loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of the pixels plus 1 − the mean soft intersection over union of the classes in the batch."""
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
        yield _varied(rng, rows)


def _varied(rng: np.random.Generator, rows: list[tuple[Batch, int]]) -> tuple[Tensor, Tensor]:
    """Mirror half of the pictures with their labels, and change light and tint of each."""
    pictures = np.stack([batch.pictures[row] for batch, row in rows])
    labels = np.stack([batch.labels[row] for batch, row in rows])
    mirrored = rng.random(len(pictures)) < 0.5
    pictures[mirrored], labels[mirrored] = pictures[mirrored, ..., ::-1], labels[mirrored, ..., ::-1]
    gain = rng.uniform(0.85, 1.15, (len(pictures), 3, 1, 1)).astype(np.float32)
    light = (pictures.astype(np.float32) - 114) * gain + 114
    return torch.from_numpy(light).contiguous(memory_format=torch.channels_last), torch.from_numpy(labels).long()


def segment(network: PixelProbabilities, card: ModelCard, batch: Batch) -> list[Located]:
    """Return the objects that the network finds in rendered pictures, as its card says."""
    found: list[Located] = []
    for row in range(0, len(batch.pictures), _AT_ONCE):
        with torch.no_grad():
            scores = network(torch.from_numpy(batch.pictures[row : row + _AT_ONCE])).numpy()
        views = [View(rows, columns, top, left, rows, columns) for top, left, rows, columns in batch.frames[row:]]
        found += semantic_objects([scores], card, views[: len(scores)])
    return found


def finish(folder: Path, trained: Segmenter, settings: Settings, started: float) -> None:
    """Measure a trained network on held-out pictures and write it with its card.

    Args:
        folder: gets segments.onnx and segments.json.
        trained: in evaluation mode.
        settings: what it was trained with.
        started: processor time of this process at which training began [s].
    """
    training_seconds = round(time.process_time() - started)
    network = PixelProbabilities(trained)
    model = onnx_bytes(network)
    test = Pictures([settings.seed, TEST], max(2, settings.drawings // 4)).batch(settings.held_out)
    card = _card(model, training=_training(settings, trained, training_seconds))
    metrics = score_labels(segment(network, card, test), test, OBJECT_CLASSES)
    atomic.write_bytes(folder / f"{NAME}.onnx", model)
    atomic.write_json(folder / f"{NAME}.json", card.model_copy(update={"metrics": metrics}).model_dump(mode="json"))


def _training(settings: Settings, network: Segmenter, seconds: int) -> dict[str, Any]:
    flags = f"--seed {settings.seed} --pictures {settings.pictures} --drawings {settings.drawings}"
    return {
        "command": f"python -m preroll.perception.training.segmentation --out DIR {flags}",
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
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description="Train the embedded segmenter of preroll.")
    defaults = Settings()
    parser.add_argument("--out", type=Path, required=True, help=f"folder for {NAME}.onnx and {NAME}.json")
    parser.add_argument("--seed", type=int, default=defaults.seed, help="two runs with one seed are equal")
    parser.add_argument("--pictures", type=int, default=defaults.pictures, help="number of pictures to render")
    parser.add_argument("--held-out", type=int, default=defaults.held_out, help="number of pictures to measure on")
    parser.add_argument("--drawings", type=int, default=defaults.drawings, help="drawings per class")
    parser.add_argument("--cpu-minutes", type=float, default=defaults.cpu_minutes, help="end training early after this")
    given = parser.parse_args(arguments)
    settings = Settings(given.seed, given.pictures, given.held_out, given.drawings, given.cpu_minutes)
    started = time.process_time()
    finish(given.out, train(settings), settings, started)


if __name__ == "__main__":
    main()
