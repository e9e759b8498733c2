"""Policies as tables over the state of a session.

Axes of a policy table, in this order; an axis may have length 1 if the policy does not depend on it, and leading axes
may be omitted:

    phase P · segment U · slot T · video N · fatigue F · last M [· ad A]

``last`` is the outcome of the previous slot as one index: ``ad`` if the ad was not viewed, ``A + ad`` if it was viewed,
``2A`` before the first slot; M = 2A + 1.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.ad_colors import ad_colors
from preroll.envs.model.part_of import part_of, titled
from preroll.envs.model.tables import Tables, TablesSource
from preroll.envs.policies.given_tables import AXES, N_AXES, ads_of, probabilities_of
from preroll.envs.policies.policy_map import NONE_YET, SEVERAL_NAME, policy_map
from preroll.errors import PrerollError
from preroll.palette import UNKNOWN
from preroll.shown import plots
from preroll.shown.card import Card
from preroll.shown.shown import ShownTable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_ROWS = 1_000_000  # of a table of states


@dataclass(frozen=True, repr=False)
class Policy(ShownTable):
    """A policy table: one ad per state (``ads``), or a probability for every ad (``probabilities``).

    Exactly one of the two is given. Missing leading axes are added with length 1.

    Attributes:
        ads: integer [P, U, T, N, F, M], any axis of length 1; or None.
        probabilities: float64 [P, U, T, N, F, M, A]; or None.

    Raises:
        PrerollError: ads that are no numbers of ads, probabilities that are none, or too many axes.

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
            ads = ads_of(self.ads)
            object.__setattr__(
                self, "ads", ads.reshape((1,) * (N_AXES - ads.ndim) + ads.shape).astype(np.int16, copy=False)
            )
        if self.probabilities is not None:
            table = probabilities_of(self.probabilities)
            object.__setattr__(self, "probabilities", table.reshape((1,) * (N_AXES + 1 - table.ndim) + table.shape))

    @property
    def given(self) -> NDArray[Any]:
        """The one of the two tables that was given."""
        table = self.ads if self.ads is not None else self.probabilities
        assert table is not None
        return table

    @property
    def shape(self) -> tuple[int, ...]:
        """Axes (P, U, T, N, F, M), each at its full length or 1."""
        return self.given.shape[:N_AXES]

    def on(self, tables: TablesSource) -> "Policy":
        """Returns the same policy with every axis broadcast to its full length, as views that need no memory.

        Raises:
            PrerollError: If the table does not fit the scenario and the catalog.
        """
        tables = Tables.of(tables)
        full = copy(self)  # which is not checked again
        try:
            if self.ads is not None:
                if (most := int(self.ads.max(initial=0))) >= tables.n_actions:
                    raise PrerollError(f"policy table: ads: {most}: actions are 0 … {tables.n_actions - 1}")
                object.__setattr__(full, "ads", np.broadcast_to(self.ads, axes(tables)))
            else:
                if (n := self.given.shape[-1]) != tables.n_actions:
                    raise PrerollError(f"policy table: probabilities of {n} ads: there are {tables.n_actions} actions")
                shape = (*axes(tables), tables.n_actions)
                object.__setattr__(full, "probabilities", np.broadcast_to(self.given, shape))
        except ValueError:
            raise PrerollError(f"policy table: axes {self.shape} do not fit {axes(tables)}") from None
        return full

    def to_frame(
        self, tables: TablesSource | None = None, *, phase: int | None = None, segment: int | None = None
    ) -> "pd.DataFrame":
        """Returns the ad that is shown most by category, slot and fatigue level, as :meth:`plot` draws it.

        Where several ads are equally likely, ``ad`` says so: "several alike".

        Without tables it returns the table itself: one row a state, of the axes on which the policy depends, with the
        number of the ``action``, or with ``probability.ACTION`` of every one. Slots count from 1 in both tables, phases
        and segments from 0, as arguments do.

        Raises:
            PrerollError: If the table does not fit the scenario and the catalog, there is no such phase or segment, or
                there are too many states.
        """
        import pandas as pd

        if tables is None:
            return self._states()
        tables = Tables.of(tables)
        part_of(tables.scenario, phase, segment)  # raises, before an axis is taken for one of length 1
        parts, labels = [], np.array([*tables.spec.labels, SEVERAL_NAME], dtype=object)
        for name, ads in policy_map(tables, self, phase=phase or 0, segment=segment or 0, last=NONE_YET).items():
            slot, level = np.indices(ads.shape)
            columns = {"slot": slot.ravel() + 1, "fatigue": level.ravel(), "ad": labels[ads].ravel()}
            parts.append(pd.DataFrame({"category": name, **columns}))
        return pd.concat(parts, ignore_index=True)

    def _states(self) -> "pd.DataFrame":
        import pandas as pd

        if (n := prod(self.shape)) > MOST_ROWS:
            raise PrerollError(f"policy table: {n:,} states are too many to list; policy.to_frame(tables) sums up")
        places = np.indices(self.shape).reshape(N_AXES, -1)
        places[AXES.index("slot")] += 1
        columns = {name.replace(" ", "_"): places[i] for i, name in enumerate(AXES) if self.shape[i] > 1}
        if self.ads is not None:
            return pd.DataFrame({**columns, "action": self.ads.ravel()})
        rows = self.given.reshape(n, -1)
        return pd.DataFrame({**columns, **{f"probability.{ad}": rows[:, ad] for ad in range(rows.shape[1])}})

    def plot(
        self,
        tables: TablesSource,
        ax: "Axes | None" = None,
        *,
        phase: int | None = None,
        segment: int | None = None,
        what: str = "the ad shown most",
    ) -> "Axes":
        """Draws the ad that is shown most by category, slot and fatigue level, before any other ad was shown.

        Args:
            tables: the scenario on the catalog.
            ax: the axes to draw on; new ones by default.
            phase: phase of drift; the first one by default, if the policy depends on it.
            segment: segment of the user; the first one by default, if the policy depends on it.
            what: what it is, for the title, which says the phase and the segment of what is not the same in all.

        Raises:
            PrerollError: If the table does not fit the scenario and the catalog, or there is no such phase or segment.
        """
        tables = Tables.of(tables)
        of_all = [None if n == 1 else 0 for n in self.shape[:2]]
        said = [one if given is None else given for one, given in zip(of_all, (phase, segment), strict=True)]
        title = titled(f"{tables.scenario.name}: {what}", tables.scenario, *said)
        maps = policy_map(tables, self, phase=phase or 0, segment=segment or 0, last=NONE_YET)
        colors, names = (*ad_colors(tables.spec), UNKNOWN), (*tables.spec.labels, SEVERAL_NAME)
        listed = np.array([*tables.spec.listed, tables.n_actions])
        place = np.argsort(listed)  # of every ad in the legend
        return plots.mosaic(
            ax,
            {name: place[ads].T for name, ads in maps.items()},
            colors=[colors[ad] for ad in listed],
            names=[names[ad] for ad in listed],
            title=title,
            labels=("slot", "fatigue level (upwards), by category" if tables.n_levels > 1 else ""),
        )

    def _card(self) -> Card:
        table = self.given
        what = "one ad for each state" if self.ads is not None else "a probability of every ad for each state"
        facts = {"holds": f"{what}, {table.nbytes:,} bytes", "shown by": "policy.plot(tables), policy.to_frame(tables)"}
        rows = [(name, n if n > 1 else "does not matter") for name, n in zip(AXES, self.shape, strict=True)]
        return Card("Policy", facts, ("depends on", "states"), rows)


def by_phase(policies: Sequence[Policy]) -> Policy:
    """Returns policies of ads, one of every phase of drift, as one whose first axis is the phase; one is not copied."""
    ads = [policy.ads for policy in policies if policy.ads is not None]
    return policies[0] if len(policies) == 1 else Policy(ads=np.concatenate(ads))


def axes(tables: Tables) -> tuple[int, ...]:
    """Returns (P, U, T, N, F, M), the full lengths of a policy's axes."""
    n_last = 2 * tables.n_actions + 1
    return tables.n_phases, tables.n_segments, tables.n_slots, tables.n_videos, tables.n_levels, n_last
