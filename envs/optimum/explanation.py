"""Where a policy loses revenue against the optimum, by named parts that add up to all that it loses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from preroll.envs.model.tables import Tables
from preroll.envs.optimum.losses import Losses
from preroll.errors import PrerollError
from preroll.palette import UNKNOWN, category_color
from preroll.shown import plots
from preroll.shown.card import Card
from preroll.shown.shown import ShownTable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

CATEGORY, FATIGUE, SESSION, SLOT, AD, MAP = SPLITS = (
    "category",
    "fatigue",
    "session",
    "slot",
    "ad",
    "category × fatigue",
)
#: The part of all videos that have none.
WITHOUT_CATEGORY = "without category"
QUARTERS = 4

#: What was lost, by part, by split.
Parts = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, repr=False)
class Explanation(ShownTable):
    """Where a policy loses revenue, per session.

    A part is the price of the decisions that were made there: what the optimum would have earned from the same states
    on, less what it earns after the policy's ads. It is charged where the decision was made, at states to which the
    policy's earlier decisions led. No part is negative, and the parts of each split add up to the regret.

    Attributes:
        optimum: largest expected revenue.
        lost: lost revenue, by split and part. Splits: ``category`` of the video, where all videos without one are one
            part, ``fatigue`` level, ``session`` in quarters of the horizon, ``slot`` by its number in the session from
            1, ``ad``, and ``category × fatigue``.
        half_widths: of 95 % intervals, by split and part, where the parts are means of simulated sessions; None where
            they are exact.
        half_width: of the interval of all that is lost; None where that is exact.

    Examples:
        >>> from preroll.envs import Optimum, Tables, greedy_policy
        >>> tables = Tables.compile("fatigue", "demo")
        >>> explanation = Optimum(tables).explain(greedy_policy(tables))
        >>> round(explanation.optimum, 3), round(explanation.regret, 3), round(explanation.percent, 1)
        (8.842, 2.446, 27.7)
        >>> {part: round(lost, 2) for part, lost in explanation.lost["fatigue"].items()}
        {'0': 0.01, '1': 0.01, '2': 0.04, '3': 0.1, '4': 0.64, '5': 1.66}
        >>> explanation.to_frame().query("split == 'category'")[["part", "percent"]].round(1).values.tolist()
        [['cars', 6.5], ['cats', 10.8], ['concerts', 10.4]]
    """

    optimum: float
    lost: Parts
    half_widths: Parts | None = None
    half_width: float | None = None

    @property
    def is_exact(self) -> bool:
        """Whether the parts are computed from a policy table, not from simulated sessions."""
        return self.half_widths is None

    @property
    def regret(self) -> float:
        """All that is lost: the optimum minus the expected revenue."""
        return sum(self.lost[AD].values())

    @property
    def percent(self) -> float:
        """All that is lost, in percent of the optimum; 0 where nothing can be earned."""
        return self.percent_of(self.regret)

    def percent_of(self, revenue: float) -> float:
        """Returns some revenue in percent of the optimum; 0 where nothing can be earned."""
        return 100 * revenue / self.optimum if self.optimum else 0.0

    def interval(self, split: str, part: str) -> tuple[float, float] | None:
        """Returns the ends of the interval of a part in percent, cut at what is possible; None where it is exact."""
        if self.half_widths is None:
            return None
        mean, half = (self.percent_of(one[split][part]) for one in (self.lost, self.half_widths))
        return max(mean - half, 0.0), max(min(mean + half, 100.0), mean)

    def to_frame(self) -> "pd.DataFrame":
        """Returns one row a part: split, part, lost revenue, percent of the optimum, and ends of its interval."""
        import pandas as pd

        rows = [
            (split, part, lost, self.percent_of(lost), *(self.interval(split, part) or (None, None)))
            for split, parts in self.lost.items()
            for part, lost in parts.items()
        ]
        columns = ["split", "part", "lost", "percent", "low", "high"]
        return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[2:], "float64"))

    def plot(self, ax: "Axes | None" = None, *, split: str = CATEGORY) -> "Axes":
        """Draws what is lost in the parts of a split, in percent of the optimum, with intervals where it is not exact.

        Categories have their colours; what is of no category is grey.

        Args:
            ax: the axes to draw on; new ones by default.
            split: one of those of :attr:`lost`.

        Raises:
            PrerollError: there is no such split.
        """
        if split not in self.lost:
            raise PrerollError(f"explanation: no split {split!r}; splits are {', '.join(self.lost)}")
        rows = []
        for k, (part, lost) in enumerate(self.lost[split].items()):
            low, high = self.interval(split, part) or (None, None)
            hue = category_color(k) if split == CATEGORY and part != WITHOUT_CATEGORY else UNKNOWN
            rows.append(plots.Bar(part, self.percent_of(lost), low, high, hue))
        title = f"lost by {split}, of {self.percent:.1f} % in all"
        return plots.bars(ax, rows, title=title, x="% of the optimum")

    def _card(self) -> Card:
        facts = {
            "lost": f"{self.regret:.3f} of {self.optimum:.3f} a session, {self.percent:.1f} % of the optimum",
            "parts": "are exact" if self.is_exact else "are means of simulated sessions, with 95 % intervals",
            "splits": ", ".join(self.lost),
        }
        rows = []
        for split in (CATEGORY, FATIGUE, SESSION):
            for part, lost in self.lost.get(split, {}).items():
                ends = self.interval(split, part)
                told = f"{self.percent_of(lost):.2f}" + (f" [{ends[0]:.2f}, {ends[1]:.2f}]" if ends else "")
                rows.append((split, part, lost, told))
        return Card("Explanation of what is lost", facts, ("split", "part", "revenue", "% of optimum"), rows)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values for JSON: optimum, whether the parts are exact, and what was lost."""
        return {"optimum": self.optimum, "is_exact": self.is_exact, "lost": self.lost}


def explanation_of(tables: Tables, losses: Losses) -> Explanation:
    """Returns what was lost by named parts."""
    return Explanation(losses.optimum, named(tables, losses))


def named(tables: Tables, losses: Losses) -> dict[str, dict[str, Any]]:
    """Returns what was lost by split and part, each a number, or float64 [n] where ``losses`` has a first axis."""
    slots, spec = np.arange(tables.n_slots), tables.spec
    categories = [*spec.categories, *([WITHOUT_CATEGORY] if (tables.category < 0).any() else [])]
    levels = [str(level) for level in range(tables.n_levels)]
    quarters = [quarter for quarter in np.array_split(slots, QUARTERS) if len(quarter)]
    by_state = losses.by_state
    found = {
        CATEGORY: {name: by_state[..., k, :].sum(axis=-1) for k, name in enumerate(categories)},
        FATIGUE: {name: by_state[..., level].sum(axis=-1) for level, name in enumerate(levels)},
        SESSION: {_slots(one[0] + 1, one[-1] + 1): losses.by_slot[..., one].sum(axis=-1) for one in quarters},
        SLOT: {str(slot + 1): losses.by_slot[..., slot] for slot in slots},
        AD: {spec.labels[ad]: losses.by_ad[..., ad] for ad in spec.listed},
        MAP: {
            f"{name} × {level}": by_state[..., k, f]
            for k, name in enumerate(categories)
            for f, level in enumerate(levels)
        },
    }
    plain = losses.by_slot.ndim == 1
    return {
        split: {part: float(lost) if plain else lost for part, lost in parts.items()} for split, parts in found.items()
    }


def _slots(first: int, last: int) -> str:
    return f"{first} to {last}" if last > first else str(first)
