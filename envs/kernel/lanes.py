"""State of parallel sessions, as Python reads and writes it."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from preroll.envs.kernel.layout import BLOCK, KEYS, LANE_KEY, ROWS, SCRATCH, SESSION, WORDS
from preroll.envs.kernel.rng import lane_keys


class Lanes(NamedTuple):
    """State of n parallel sessions.

    Attributes:
        words: int64, the scratch memory, then the blocks; all that a step depends on beside the tables.
        n: number of lanes; those that fill the last block are never started.
    """

    words: NDArray[np.int64]
    n: int

    @classmethod
    def new(cls, n: int) -> "Lanes":
        """Allocates n lanes, which must be seeded and started before the first step."""
        return cls(np.zeros(SCRATCH + -(-n // BLOCK) * WORDS, np.int64), n)

    def row(self, offset: Any) -> NDArray[Any]:
        """Returns a row of the state, such as ``layout.SLOT``, as a view [blocks, BLOCK]: by lanes, in order."""
        kind = np.uint64 if offset < SESSION else np.int32
        blocks = self.words[SCRATCH:].reshape(-1, WORDS).view(kind)
        return blocks[:, int(offset) : int(offset) + BLOCK]

    def read(self, offset: Any) -> NDArray[Any]:
        """Returns a copy of a row of the state, [n]."""
        return self.row(offset).reshape(-1)[: self.n].copy()

    def write(self, offset: Any, lanes: NDArray[np.int64] | slice, values: Any) -> None:
        """Writes to some lanes of a row of the state."""
        row = self.row(offset)
        whole = row.reshape(-1)  # a copy where there are several blocks
        whole[lanes] = values
        row[:] = whole.reshape(row.shape)

    def seed(self, lanes: NDArray[np.int64], seeds: NDArray[np.uint64]) -> None:
        """Assigns user stream ``seeds[j]`` to lane ``lanes[j]`` and rewinds it to before its session 0."""
        self.write(LANE_KEY, lanes, lane_keys(seeds))
        self.write(SESSION, lanes, -1)

    def load(self, keys: NDArray[np.uint64], state: NDArray[np.int32]) -> None:
        """Writes what :attr:`keys` and :attr:`state` returned."""
        for offset, values in zip((*KEYS, *ROWS), (*keys, *state), strict=True):
            self.write(offset, slice(self.n), values)

    @property
    def keys(self) -> NDArray[np.uint64]:
        """Keys of the lanes and of their sessions, uint64 [2, n], a copy."""
        return np.stack([self.read(offset) for offset in KEYS])

    @property
    def state(self) -> NDArray[np.int32]:
        """Rows of the state in the order of ``layout.ROWS``, int32 [8, n], a copy."""
        return np.stack([self.read(offset) for offset in ROWS])
