"""A policy as a table over the state of a session.

Axes of a policy table, in this order; any axis may have length 1 where the policy does not depend on it, and leading
axes may be left out:

    phase P · segment U · slot T · video N · fatigue F · last M [· ad A]

The last slot's outcome is one index: ``ad`` if it was not viewed, ``A + ad`` if it was viewed, ``2A`` before the first
slot; M = 2A + 1.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.tables import Tables
from preroll.errors import PrerollError

N_AXES = 6


@dataclass(frozen=True)
class Policy:
    """What to show in every state: one ad (``ads``), or a probability for each ad (``probabilities``).

    Attributes:
        ads: integer [P, U, T, N, F, M], any axis of length 1; or None.
        probabilities: float64 [P, U, T, N, F, M, A]; or None.
    """

    ads: NDArray[np.integer[Any]] | None = None
    probabilities: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if (self.ads is None) == (self.probabilities is None):
            raise ValueError("a policy is given by ads or by probabilities")
        if self.ads is not None:
            ads = np.asarray(self.ads)
            object.__setattr__(
                self, "ads", ads.reshape((1,) * (N_AXES - ads.ndim) + ads.shape).astype(np.int16, copy=False)
            )
        if self.probabilities is not None:
            table = np.asarray(self.probabilities, dtype=np.float64)
            object.__setattr__(self, "probabilities", table.reshape((1,) * (N_AXES + 1 - table.ndim) + table.shape))

    @property
    def shape(self) -> tuple[int, ...]:
        """(P, U, T, N, F, M), each the length of the axis or 1."""
        if self.ads is not None:
            return self.ads.shape
        assert self.probabilities is not None
        return self.probabilities.shape[:-1]

    def on(self, tables: Tables) -> "Policy":
        """The same policy with every axis at its full length, as views that need no memory.

        Raises:
            PrerollError: the table does not fit the scenario and the catalog.
        """
        try:
            if self.ads is not None:
                return Policy(ads=np.broadcast_to(self.ads, axes(tables)))
            assert self.probabilities is not None
            return Policy(probabilities=np.broadcast_to(self.probabilities, (*axes(tables), tables.n_actions)))
        except ValueError:
            raise PrerollError(f"policy table: axes {self.shape} do not fit {axes(tables)}") from None


def axes(tables: Tables) -> tuple[int, ...]:
    """(P, U, T, N, F, M): full lengths of a policy's axes."""
    n_last = 2 * tables.n_actions + 1
    return tables.n_phases, tables.n_segments, tables.n_slots, tables.n_videos, tables.n_levels, n_last
