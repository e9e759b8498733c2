"""Policies as tables over the state of a session.

Axes of a policy table, in this order; an axis may have length 1 if the policy does not depend on it, and leading axes
may be omitted:

    phase P · segment U · slot T · video N · fatigue F · last M [· ad A]

``last`` is the outcome of the previous slot as one index: ``ad`` if the ad was not viewed, ``A + ad`` if it was viewed,
``2A`` before the first slot; M = 2A + 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.ad_colors import ad_colors
from preroll.envs.model.part_of import part_of, titled
from preroll.envs.model.tables import Tables, TablesSource
from preroll.envs.policies.policy_map import NONE_YET, policy_map
from preroll.errors import PrerollError
from preroll.shown import plots
from preroll.shown.card import Card
from preroll.shown.shown import Shown

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

N_AXES = 6


@dataclass(frozen=True, repr=False)
class Policy(Shown):
    """A policy table: one ad per state (``ads``), or a probability for every ad (``probabilities``).

    Exactly one of the two is given. Missing leading axes are added with length 1.

    Attributes:
        ads: integer [P, U, T, N, F, M], any axis of length 1; or None.
        probabilities: float64 [P, U, T, N, F, M, A]; or None.

    Examples:
        >>> import numpy as np
        >>> from preroll.envs import Optimum, Policy, Tables
        >>> tables = Tables.compile("fatigue", "demo")
        >>> by_level = Policy(ads=np.array([1, 6, 6, 6, 0, 0])[:, None])  # ad for fatigue 0 … 5; 6 is "no ad"
        >>> by_level.shape
        (1, 1, 1, 1, 6, 1)
        >>> round(Optimum(tables).value_of(by_level), 3)
        6.626
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
        """Axes (P, U, T, N, F, M), each at its full length or 1."""
        if self.ads is not None:
            return self.ads.shape
        assert self.probabilities is not None
        return self.probabilities.shape[:-1]

    def on(self, tables: TablesSource) -> "Policy":
        """Returns the same policy with every axis broadcast to its full length, as views that need no memory.

        Raises:
            PrerollError: If the table does not fit the scenario and the catalog.
        """
        tables = Tables.of(tables)
        try:
            if self.ads is not None:
                return Policy(ads=np.broadcast_to(self.ads, axes(tables)))
            assert self.probabilities is not None
            return Policy(probabilities=np.broadcast_to(self.probabilities, (*axes(tables), tables.n_actions)))
        except ValueError:
            raise PrerollError(f"policy table: axes {self.shape} do not fit {axes(tables)}") from None

    def to_frame(self, tables: TablesSource, *, phase: int = 0, segment: int = 0) -> "pd.DataFrame":
        """Returns the ad that is shown most by category, slot and fatigue level, as :meth:`plot` draws it.

        Raises:
            PrerollError: If the table does not fit the scenario and the catalog, or there is no such phase or segment.
        """
        import pandas as pd

        tables = Tables.of(tables)
        part_of(tables.scenario, phase, segment)  # raises, before an axis is taken for one of length 1
        parts, labels = [], np.array(tables.spec.labels, dtype=object)
        for name, ads in policy_map(tables, self, phase=phase, segment=segment, last=NONE_YET).items():
            slot, level = np.indices(ads.shape)
            columns = {"slot": slot.ravel() + 1, "fatigue": level.ravel(), "ad": labels[ads].ravel()}
            parts.append(pd.DataFrame({"category": name, **columns}))
        return pd.concat(parts, ignore_index=True)

    def plot(
        self,
        tables: TablesSource,
        axes: "Axes | None" = None,
        *,
        phase: int = 0,
        segment: int = 0,
        what: str = "the ad shown most",
    ) -> "Axes":
        """Draws the ad that is shown most by category, slot and fatigue level, before any other ad was shown.

        Args:
            tables: the scenario on the catalog.
            axes: the axes to draw on; new ones by default.
            phase: phase of drift.
            segment: segment of the user.
            what: what it is, for the title, which says the phase and the segment where there are several.

        Raises:
            PrerollError: If the table does not fit the scenario and the catalog, or there is no such phase or segment.
        """
        tables = Tables.of(tables)
        title = titled(f"{tables.scenario.name}: {what}", tables.scenario, phase, segment)
        maps = policy_map(tables, self, phase=phase, segment=segment, last=NONE_YET)
        spec, colors, listed = tables.spec, ad_colors(tables.spec), np.array(tables.spec.listed)
        place = np.argsort(listed)  # of every ad in the legend
        return plots.mosaic(
            axes,
            {name: place[ads].T for name, ads in maps.items()},
            colors=[colors[ad] for ad in listed],
            names=[spec.labels[ad] for ad in listed],
            title=title,
            labels=("slot", "fatigue level (upwards), by category" if tables.n_levels > 1 else ""),
        )

    def _card(self) -> Card:
        table = self.ads if self.ads is not None else self.probabilities
        assert table is not None
        what = "one ad for each state" if self.ads is not None else "a probability of every ad for each state"
        facts = {"holds": f"{what}, {table.nbytes:,} bytes", "shown by": "policy.plot(tables), policy.to_frame(tables)"}
        names = ("phase", "segment", "slot", "video", "fatigue", "last outcome")
        rows = [(name, n if n > 1 else "does not matter") for name, n in zip(names, self.shape, strict=True)]
        return Card("Policy", facts, ("depends on", "states"), rows)


def by_phase(policies: Sequence[Policy]) -> Policy:
    """Returns policies of ads, one of every phase of drift, as one whose first axis is the phase; one is not copied."""
    ads = [policy.ads for policy in policies if policy.ads is not None]
    return policies[0] if len(policies) == 1 else Policy(ads=np.concatenate(ads))


def axes(tables: Tables) -> tuple[int, ...]:
    """Returns (P, U, T, N, F, M), the full lengths of a policy's axes."""
    n_last = 2 * tables.n_actions + 1
    return tables.n_phases, tables.n_segments, tables.n_slots, tables.n_videos, tables.n_levels, n_last
