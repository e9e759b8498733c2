"""Minibatches of rows that are shuffled once a pass."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

Rows = dict[str, torch.Tensor]  # by name (1 or steps, units, …)


def batches(rows: Rows, parts: int | tuple[int, ...]) -> Iterator[Rows]:
    """Yields ``rows`` in as many parts of nearly as many units, or cut before these units."""
    for batch in zip(*(one.tensor_split(parts, dim=1) for one in rows.values()), strict=True):
        yield dict(zip(rows, batch, strict=True))


def shuffled(rows: Rows, orders: Iterable[NDArray[np.int64]], parts: int | tuple[int, ...]) -> Iterator[Rows]:
    """Yields the parts of ``rows`` in one order of the units after the other; each lies side by side in memory."""
    places = {name: torch.empty_like(one) for name, one in rows.items()}
    for order in orders:
        for name, one in rows.items():
            torch.index_select(one, 1, torch.from_numpy(order).to(one.device), out=places[name])
        yield from batches(places, parts)
