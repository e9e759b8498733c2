"""Conversion of functions of observations to policy tables, by evaluation at every observation of a session."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.tables import Tables
from preroll.envs.policies.policy import Policy
from preroll.errors import PrerollError

LARGEST_TABLE = 50_000_000  # entries

ActionProbabilities = Callable[[NDArray[np.float32]], NDArray[np.float64]]


def tabulate(tables: Tables, action_probabilities: ActionProbabilities) -> Policy:
    """Evaluates a function of observations at every observation that a session can show, as a policy table.

    Args:
        tables: a compiled scenario.
        action_probabilities: maps observations float32 [n, d] to action probabilities [n, A]; must be memoryless.

    Returns:
        The policy, whose exact value :meth:`Optimum.value_of` computes.

    Raises:
        PrerollError: If there are too many observations for a table; step through sessions instead.

    Examples:
        >>> import numpy as np
        >>> from preroll.envs import Optimum, Tables, tabulate
        >>> tables = Tables.compile("classic", "demo")
        >>> policy = tabulate(tables, lambda observations: np.full((len(observations), 6), 1 / 6))
        >>> round(Optimum(tables).value_of(policy), 3)
        10.198
    """
    grid = _ObservableStates(tables)
    if grid.size * tables.n_actions > LARGEST_TABLE:
        raise PrerollError(f"policy table: {grid.size:,} observable states are too many; evaluate by stepping")
    blocks = [np.asarray(action_probabilities(observations), dtype=np.float64) for observations in grid]
    table = np.concatenate(blocks).reshape((*grid.shape, tables.n_actions))
    return Policy(probabilities=table[:, :, grid.video_row][None])


class _ObservableStates:
    """Every observation of a scenario, in blocks with the axes segment · slot · distinct video row · fatigue · last."""

    def __init__(self, tables: Tables) -> None:
        parts = tables.layout.parts
        self.tables = tables
        self.rows, self.video_row = np.unique(tables.arrays.rows, axis=0, return_inverse=True)
        self.by_last = "last_ad" in parts or "last_view" in parts
        timed = "progress" in parts or "position" in parts
        self.shape = (
            tables.n_segments if "segment" in parts else 1,
            tables.n_slots if timed else 1,
            len(self.rows),
            tables.n_levels if "fatigue" in parts else 1,
            2 * tables.n_actions + 1 if self.by_last else 1,
        )
        self.size = int(np.prod(self.shape))

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Yields one block of observations [n, d] per segment and slot, in the order of the axes."""
        for segment in range(self.shape[0]):
            for slot in range(self.shape[1]):
                yield self._block(segment, slot)

    def _block(self, segment: int, slot: int) -> NDArray[np.float32]:
        parts, n_ads = self.tables.layout.parts, self.tables.n_actions
        n_levels, n_last = self.shape[3:]
        block = np.repeat(self.rows, n_levels * n_last, axis=0).reshape((*self.shape[2:], -1))
        if "progress" in parts:
            block[..., parts["progress"].start] = slot / self.tables.n_slots
        if "position" in parts:
            block[..., parts["position"].start + slot % len(self.tables.scenario.session.slots)] = 1.0
        if "segment" in parts:
            block[..., parts["segment"].start + segment] = 1.0
        if "fatigue" in parts:
            for level in range(n_levels):
                block[:, level, :, parts["fatigue"].start + level] = 1.0
        if "last_ad" in parts:
            for last in range(2 * n_ads):
                block[:, :, last, parts["last_ad"].start + last % n_ads] = 1.0
        if "last_view" in parts:
            block[:, :, n_ads : 2 * n_ads, parts["last_view"].start] = 1.0
        return block.reshape(-1, block.shape[-1])
