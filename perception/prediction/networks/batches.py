"""Batches in a new order each epoch."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def steps_of(rows: int, batch: int) -> int:
    """How many batches an epoch has: only full ones, for BatchNorm is noisy on the few that are left over."""
    return max(1, rows // batch)


def shuffled(rows: NDArray[np.int64], batch: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """The rows in a random order, ``batch`` at a time; those that fill no batch wait for another epoch."""
    order = rng.permutation(rows)
    for step in range(steps_of(len(rows), batch)):
        # Rising rows are read from a memory map in one direction.
        yield np.sort(order[step * batch : (step + 1) * batch])


def consecutive(rows: NDArray[np.int64], batch: int) -> Iterator[NDArray[np.int64]]:
    """All rows in their order, ``batch`` at a time."""
    for start in range(0, len(rows), batch):
        yield rows[start : start + batch]
