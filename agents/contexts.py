"""The context of a per-category bandit: the category that the observation shows."""

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.observation import SessionSpec


class CategoryContext:
    """Finds the category in observations: the largest entry of their "category" part.

    With predicted categories that is the likeliest one; where the scenario hides the category there is one context.

    Attributes:
        count: number of contexts.
    """

    def __init__(self, spec: SessionSpec) -> None:
        part = spec.layout.parts.get("category")
        self._columns = slice(part.start, part.stop) if part else None
        self.count = part.stop - part.start if part else 1

    def __call__(self, observations: NDArray[np.float32]) -> NDArray[np.int64]:
        """Gives the context int64 (n,) of ``observations`` (n, d)."""
        if self._columns is None:
            return np.zeros(len(observations), dtype=np.int64)
        found: NDArray[np.int64] = observations[:, self._columns].argmax(axis=1)
        return found
