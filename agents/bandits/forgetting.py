"""Arm statistics of the per-category bandits: cumulative, discounted, or over a sliding window."""

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from preroll.agents.settings import AgentSettings, Overruled

Arrays = dict[str, NDArray[Any]]


class ForgettingSettings(AgentSettings):
    """Settings of forgetting: how long outcomes count."""

    forgetting: Literal["none", "discount", "window"] = Field(
        default="none", description="none: nothing changes (Auer et al. 2002); discount, window: users drift"
    )
    discount: Annotated[float, Overruled("forgetting", lambda s: s.forgetting != "discount")] = Field(
        default=0.9999,
        gt=0,
        lt=1,
        description="share of its weight that an outcome keeps with each later decision of the category (measured on "
        "`drift`; 1 − ¼·√(changes / decisions) of Garivier & Moulines 2011 would be 0.999: too short for six ads)",
    )
    window: Annotated[int, Overruled("forgetting", lambda s: s.forgetting != "window")] = Field(
        default=12_000,
        ge=1,
        le=1_000_000,
        description="decisions of the category that count (measured on `drift`; 2·√(T ln T / changes) of Garivier & "
        "Moulines 2011 would be 1,700: too short for six ads)",
    )


class ArmStatistics:
    """Weighted counts and sums of the values of every (category, ad).

    Every category has its own clock, as if it were a separate bandit. A batch of n lanes counts as n decisions in the
    order of the lanes, so that the result is the same as adding its lanes one by one.

    N[k, a] = Σ wᵢ and S[k, a] = Σ wᵢ·yᵢ over the decisions i of category k for ad a, where w is 1 ("none"),
    discount^(later decisions of k) ("discount"), or 1 for the last ``window`` decisions of k and else 0 ("window").

    Args:
        shape: (K, A).
        settings: the kind of forgetting and its time scale.

    Attributes:
        counts: N, float64 (K, A).
        sums: S, float64 (K, A).
    """

    def __init__(self, shape: tuple[int, int], settings: ForgettingSettings) -> None:
        self.settings = settings
        self.counts, self.sums = np.zeros(shape), np.zeros(shape)
        if settings.forgetting == "window":
            self.seen = np.zeros(shape[0], dtype=np.int64)
            self.ring_ads = np.full((shape[0], settings.window), -1, dtype=np.int32)
            self.ring_values = np.zeros((shape[0], settings.window))

    def add(self, context: NDArray[np.int64], actions: NDArray[np.int64], values: NDArray[np.floating]) -> None:
        """Adds one outcome per lane.

        Args:
            context: int64 (n,), category of each lane.
            actions: int64 (n,), ad shown.
            values: (n,), value observed.
        """
        if self.settings.forgetting == "discount":
            self._fade(context, actions, values)
        elif self.settings.forgetting == "window":
            self._slide(context, actions, values)
        else:
            np.add.at(self.counts, (context, actions), 1.0)
            np.add.at(self.sums, (context, actions), values)

    def _fade(self, context: NDArray[np.int64], actions: NDArray[np.int64], values: NDArray[np.floating]) -> None:
        gamma = self.settings.discount
        sizes, ranks = _order(context, len(self.counts))
        fade = (gamma**sizes)[:, None]
        self.counts *= fade
        self.sums *= fade
        # an outcome is also discounted by the later rows of its own batch
        weights = gamma ** (sizes[context] - 1 - ranks)
        np.add.at(self.counts, (context, actions), weights)
        np.add.at(self.sums, (context, actions), weights * values)

    def _slide(self, context: NDArray[np.int64], actions: NDArray[np.int64], values: NDArray[np.floating]) -> None:
        width = self.settings.window
        sizes, ranks = _order(context, len(self.counts))
        # Of a batch longer than the window only the last rows count; two rows never share a place in the ring.
        kept = sizes[context] - ranks <= width
        if not kept.all():
            context, actions, values, ranks = context[kept], actions[kept], values[kept], ranks[kept]
        places = context, (self.seen[context] + ranks) % width
        gone = self.ring_ads[places]  # the decisions that leave the window; -1 while the ring is not yet full
        out = gone >= 0
        arms = context[out], gone[out]
        np.subtract.at(self.counts, arms, 1.0)
        np.subtract.at(self.sums, arms, self.ring_values[places][out])
        self.ring_ads[places] = actions
        self.ring_values[places] = values
        np.add.at(self.counts, (context, actions), 1.0)
        np.add.at(self.sums, (context, actions), values)
        self.seen += sizes

    def state_arrays(self) -> Arrays:
        """Returns the statistics and, for a window, its ring buffer."""
        names = (
            "counts",
            "sums",
            *(("seen", "ring_ads", "ring_values") if self.settings.forgetting == "window" else ()),
        )
        return {name: getattr(self, name) for name in names}

    def load_state(self, arrays: Arrays) -> None:
        """Restores what :meth:`state_arrays` returned."""
        for name in self.state_arrays():
            setattr(self, name, arrays[name].copy())


def _order(context: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Computes the number of rows of each context and the rank of each row within its context.

    Returns:
        sizes: int64 (count,), number of rows of each context.
        ranks: int64 (n,), number of earlier rows with the same context.
    """
    sizes = np.bincount(context, minlength=count)
    order = np.argsort(context, kind="stable")
    ranks = np.empty(len(context), dtype=np.int64)
    ranks[order] = np.arange(len(context)) - (np.cumsum(sizes) - sizes)[context[order]]
    return sizes, ranks
