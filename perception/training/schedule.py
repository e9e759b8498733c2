"""How a training run goes through its pictures, and how fast it learns on the way."""

from collections.abc import Iterator

import numpy as np

from preroll.perception.training.pictures import Batch, Pictures

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
