"""Training of the shipped classifier: ``python -m preroll.perception.training.classifier --out DIR``.

Writes DIR/objects.onnx and its model card DIR/objects.json. One thread, about 13 CPU-minutes by default. Pictures are
rendered during training: every round renders fresh ones, keeps the latest rounds and trains on a random sample of them,
mirrored and with varied light each time. Demo clips are never used.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from preroll.perception.demo.objects import OBJECT_CLASSES
from preroll.perception.training.export import export_classifier
from preroll.perception.training.network import ClassProbabilities, Network
from preroll.perception.training.pictures import Pictures
from preroll.perception.training.schedule import fit, replay, total_visits, varied
from preroll.perception.training.scoring import choose_threshold, score
from preroll.perception.training.settings import Settings, read_arguments

#: Number of times that a picture is used, on average, before it is dropped; batch size.
VISITS, BATCH = 3, 16
LEARNING_RATE = 2e-3
#: Weight of the loss per cell, which localises objects; without it, training takes many times as long.
CELL_WEIGHT = 0.5
#: Independent streams of pictures: [seed, stream].
TRAIN, VALIDATION, TEST = 1, 2, 3


USUAL = Settings(pictures=30_000, held_out=2_000, drawings=500, cpu_minutes=14.0)


def train(settings: Settings) -> Network:
    """Trains a network on freshly rendered pictures, with progress on stderr."""
    torch.set_num_threads(1)
    torch.manual_seed(settings.seed)
    network = Network(len(OBJECT_CLASSES))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    fit(
        torch.optim.AdamW(network.parameters(), weight_decay=1e-3),
        _batches(settings),
        lambda pictures, cells: _loss(network, pictures, cells),
        total=total_visits(settings.pictures, VISITS, BATCH),
        peaks=[LEARNING_RATE],
        cpu_minutes=settings.cpu_minutes,
    )
    network.eval()
    return network


def _loss(network: Network, pictures: Tensor, cells: Tensor) -> Tensor:
    """Computes the cross entropy of the pooled scores plus that of the cells with a defined truth."""
    scores = network.cell_scores(pictures)
    present = (cells == 1).flatten(2).any(2).float()
    pooled = binary_cross_entropy_with_logits(torch.logsumexp(scores.flatten(2), 2), present)
    weight = (cells >= 0).float() * (1 + 2 * (cells == 1).float())
    local = binary_cross_entropy_with_logits(scores, cells.clamp(min=0).float(), weight=weight, reduction="sum")
    return pooled + CELL_WEIGHT * local / present.numel()


def _batches(settings: Settings) -> Iterator[tuple[Tensor, Tensor]]:
    stream = Pictures([settings.seed, TRAIN], settings.drawings)
    rng = np.random.default_rng([settings.seed, TRAIN, 1])
    for rows in replay(stream, rng, pictures=settings.pictures, visits=VISITS, batch=BATCH):
        pictures = np.stack([batch.pictures[row] for batch, row in rows])
        cells = np.stack([batch.cells[row] for batch, row in rows])
        light, mirrored = varied(rng, pictures, cells)
        yield light, torch.from_numpy(mirrored)


def probabilities(network: ClassProbabilities, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Returns the probability float32 [n, classes] of every class in pictures uint8 [n, 3, 128, 128]."""
    with torch.no_grad():
        parts = [network(torch.from_numpy(pictures[row : row + 50])) for row in range(0, len(pictures), 50)]
    found: NDArray[np.float32] = torch.cat(parts).numpy()
    return found


def run(folder: Path, settings: Settings) -> None:
    """Runs the training, chooses the threshold, measures precision and recall, and writes the network with its card."""
    started = time.process_time()
    network = ClassProbabilities(train(settings))
    drawings = max(2, settings.drawings // 4)
    validation = Pictures([settings.seed, VALIDATION], drawings).batch(settings.held_out)
    threshold = choose_threshold(probabilities(network, validation.pictures), validation.present > 0)
    test = Pictures([settings.seed, TEST], drawings).batch(settings.held_out)
    metrics = score(probabilities(network, test.pictures) >= threshold, test.present > 0, OBJECT_CLASSES)
    training = {
        "command": settings.command("preroll.perception.training.classifier"),
        "seed": settings.seed,
        "pictures": settings.pictures,
        "held_out_pictures": settings.held_out,
        "parameters": sum(weights.numel() for weights in network.parameters()),
        "cpu_seconds": round(time.process_time() - started),
    }
    export_classifier(folder, network, threshold=threshold, training=training, metrics=metrics)


def main(arguments: list[str] | None = None) -> None:
    """Parses the command line and trains."""
    run(*read_arguments(arguments, "Train the embedded classifier of preroll.", USUAL))


if __name__ == "__main__":
    main()
