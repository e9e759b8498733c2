"""The training loop: replay of rendered pictures, learning-rate schedule and augmentation."""

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from preroll.perception.training.pictures import Batch, Pictures
from preroll.progress import bar

#: Fresh pictures per round, and number of rounds that are kept.
ROUND, KEPT_ROUNDS = 1_000, 4
WARM_UP = 0.1


def replay(
    stream: Pictures, rng: np.random.Generator, *, pictures: int, visits: int, batch: int
) -> Iterator[list[tuple[Batch, int]]]:
    """Renders pictures in rounds, and yields each ``visits`` times on average before it is dropped.

    Args:
        stream: renders fresh pictures.
        rng: samples from the pictures that are kept.
        pictures: total number of pictures to render.
        visits: number of times that a picture is used on average.
        batch: batch size.

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
    """Returns the number of pictures that :func:`replay` yields, including repeats: whole batches in whole rounds."""
    size = min(ROUND, pictures)
    return pictures // size * (visits * size // batch) * batch


def learning_rate(share: float, peak: float) -> float:
    """Returns the learning rate after ``share`` of the run: linear warm-up to ``peak``, then half a cosine."""
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
    """Trains on every batch of pictures and targets, with progress on stderr.

    Args:
        optimizer: optimizer of the network's weights.
        batches: pictures and targets.
        loss_of: loss of one batch.
        total: number of pictures in all batches.
        peaks: highest learning rate of each of the optimizer's parameter groups.
        cpu_minutes: processor time after which training stops early; the learning rates are annealed accordingly.
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
    """Mirrors half of the pictures [n, 3, h, w] and their targets [n, …, w], and varies light and tint of each.

    Returns:
        Pictures float32 [n, 3, h, w] in channels-last memory format, and the targets.
    """
    mirrored = rng.random(len(pictures)) < 0.5
    pictures[mirrored], truth[mirrored] = pictures[mirrored, ..., ::-1], truth[mirrored, ..., ::-1]
    gain = rng.uniform(0.85, 1.15, (len(pictures), 3, 1, 1)).astype(np.float32)
    light = (pictures.astype(np.float32) - 114) * gain + 114
    return torch.from_numpy(light).contiguous(memory_format=torch.channels_last), truth
