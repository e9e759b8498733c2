"""How a training run goes through its pictures, and how fast it learns on the way."""

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from preroll.perception.training.pictures import Batch, Pictures
from preroll.progress import bar

#: Fresh pictures per round, and rounds that are kept.
ROUND, KEPT_ROUNDS = 1_000, 4
WARM_UP = 0.1


def replay(
    stream: Pictures, rng: np.random.Generator, *, pictures: int, visits: int, batch: int
) -> Iterator[list[tuple[Batch, int]]]:
    """Render in rounds, and give every picture ``visits`` times on average before it is forgotten.

    Args:
        stream: renders fresh pictures.
        rng: chooses among those that are kept.
        pictures: number of pictures to render in all.
        visits: how often a picture is used on average.
        batch: number of pictures that are looked at together.

    Yields:
        ``batch`` pictures at a time, each as a batch of rendered pictures and its row in it.
    """
    size = min(ROUND, pictures)
    kept: list[Batch] = []
    for _ in range(pictures // size):
        kept = [*kept, stream.batch(size)][-KEPT_ROUNDS:]
        for _ in range(visits * size // batch):
            rows = [divmod(int(row), size) for row in rng.integers(0, len(kept) * size, batch)]
            yield [(kept[number], row) for number, row in rows]


def total_visits(pictures: int, visits: int, batch: int) -> int:
    """How many pictures :func:`replay` gives, repeated ones included: whole batches in whole rounds."""
    size = min(ROUND, pictures)
    return pictures // size * (visits * size // batch) * batch


def learning_rate(share: float, peak: float) -> float:
    """Rise linearly to ``peak`` during the warm-up, then fall as half a cosine; ``share`` of the run is done."""
    if share < WARM_UP:
        return peak * (0.05 + 0.95 * share / WARM_UP)
    return float(peak * (0.005 + 0.995 * 0.5 * (1 + np.cos(np.pi * (share - WARM_UP) / (1 - WARM_UP)))))


def fit(
    optimizer: torch.optim.Optimizer,
    batches: Iterator[tuple[Tensor, Tensor]],
    loss_of: Callable[[Tensor, Tensor], Tensor],
    *,
    total: int,
    peaks: Sequence[float],
    cpu_minutes: float,
) -> None:
    """Train on every batch of pictures with their truth, with progress on stderr.

    Args:
        optimizer: of the network's weights.
        batches: pictures and truth.
        loss_of: the loss of one batch.
        total: number of pictures in all batches.
        peaks: highest learning rate of each of the optimizer's groups.
        cpu_minutes: training ends early when it has used so much processor time; the rates fall in time for it.
    """
    started, seen = time.process_time(), 0
    with bar(total, "training") as advance:
        for pictures, truth in batches:
            used = (time.process_time() - started) / 60 / cpu_minutes
            if used >= 1:
                break
            share = max(seen / total, used)
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = learning_rate(share, peak)
            loss = loss_of(pictures, truth)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            seen += len(pictures)
            advance(len(pictures))


def varied(
    rng: np.random.Generator, pictures: NDArray[np.uint8], truth: NDArray[np.integer]
) -> tuple[Tensor, NDArray[np.integer]]:
    """Mirror half of the pictures [n, 3, h, w] with their truth [n, …, w], and change light and tint of each."""
    mirrored = rng.random(len(pictures)) < 0.5
    pictures[mirrored], truth[mirrored] = pictures[mirrored, ..., ::-1], truth[mirrored, ..., ::-1]
    gain = rng.uniform(0.85, 1.15, (len(pictures), 3, 1, 1)).astype(np.float32)
    light = (pictures.astype(np.float32) - 114) * gain + 114
    return torch.from_numpy(light).contiguous(memory_format=torch.channels_last), truth
