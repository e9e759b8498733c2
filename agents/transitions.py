"""What the agents learn from: one slot of every lane."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Transitions:
    """One step of n lanes, as arrays whose first axis is the lane.

    Attributes:
        observations: float32 (n, d), what the agent saw before it chose.
        actions: int64 (n,), which ad was shown, or that none was.
        rewards: float64 (n,), revenue of the slot.
        next_observations: float32 (n, d), the true next ones: the final observation where the session ended, never the
            first one of the session after it.
        terminated: bool (n,), the user left.
        truncated: bool (n,), the horizon was reached.
        viewed: bool (n,), was the ad viewed to its end?
        propensities: float64 (n,), probability with which the agent chose the ad; None where nobody asked.
    """

    observations: NDArray[np.float32]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float64]
    next_observations: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    viewed: NDArray[np.bool_]
    propensities: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def ended(self) -> NDArray[np.bool_]:
        """bool (n,): the session is over, for either reason."""
        return self.terminated | self.truncated
