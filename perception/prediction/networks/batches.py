"""Mini-batches of rows: shuffled for training, consecutive for prediction."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def steps_of(rows: int, batch: int) -> int:
    """Returns the number of full batches per epoch, at least 1; BatchNorm would be noisy on a small last batch."""
    return max(1, rows // batch)


def shuffled(rows: NDArray[np.int64], batch: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yields batches of rows in random order; rows that do not fill a batch are left out of this epoch."""
    order = rng.permutation(rows)
    for step in range(steps_of(len(rows), batch)):
        # Sorted, so that a memory map is read in one direction.
        yield np.sort(order[step * batch : (step + 1) * batch])


def consecutive(rows: NDArray[np.int64], batch: int) -> Iterator[NDArray[np.int64]]:
    """Yields all rows in order, ``batch`` at a time."""
    for start in range(0, len(rows), batch):
        yield rows[start : start + batch]
