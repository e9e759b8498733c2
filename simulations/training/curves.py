"""Learning curves: means over bins of sessions, which are numbered in the order in which they start."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from preroll.console.nearest import meant
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.errors import PrerollError
from preroll.shown import plots
from preroll.shown.card import Card
from preroll.shown.shown import ShownTable
from preroll.simulations.training.session_log import SessionLedger

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

FIRST_BIN = 50
GROWTH = 10 ** (1 / 20)  # 20 bins per decade of sessions, once these are wider than FIRST_BIN

#: Curves of every agent, with their meaning, up to a colon the title of a chart; the x axis (TensorBoard's "step") is
#: always sessions seen.
TAGS: dict[str, str] = {
    "session/revenue": "revenue of a session: the mean sum of its rewards",
    "session/expected": "mean of Σ P(view) · reward of the ads shown: as revenue, without the noise of the views",
    "session/percent_of_optimum": "percent of the optimum: 100 · expected / optimum",
    "session/regret": "regret of a session: optimum − expected",
    "session/view_rate": "share of the ads shown that were viewed",
    "session/empty_share": "share of slots left without an ad",
    "session/length": "mean number of slots of a session",
    "session/terminated": "share of sessions that the user left before the horizon",
    "regret/total": "sum of regret over all sessions so far",
}
#: Curves of every length class of the scenario, after those of every agent.
SHARE_TAG, SHARE_MEANING = "session/share.LENGTH", "share of the ads shown that were of the length class LENGTH"
#: Prefix of what is a mean over the sessions of a point.
MEANS = "session/"
#: Prefix of the metrics that an agent reports itself; its docstring explains each.
AGENT_TAG = "agent/"


PERCENT = "session/percent_of_optimum"
FEWEST = 500  # sessions of a drawn point: the mean of fewer is noise, which a logarithmic axis would draw widest
PARTS = 8  # of a short curve, whose points may have fewer sessions
JOINED = f"A point is the mean over {FEWEST} sessions or more; of fewer than {PARTS * FEWEST:,} in all, over an eighth."
#: What a card shows of a curve: so many points, evenly spread, and these numbers.
MOST_SHOWN = 10
SHORT = ("session/revenue", "session/expected", PERCENT, "session/regret", "session/view_rate")


def _label(tag: str) -> str:
    """Returns the label of an axis."""
    return "% of the optimum, exploring" if tag == PERCENT else _heading(tag)


def _heading(tag: str) -> str:
    return "% of optimum" if tag == PERCENT else tag.rpartition("/")[2].replace("_", " ")


def share_tags(lengths: Iterable[str]) -> dict[str, str]:
    """Returns the tags of length classes with their meaning.

    Examples:
        >>> share_tags(["long"])
        {'session/share.long': 'share of the ads shown that were of the length class long'}
    """
    return {SHARE_TAG.replace("LENGTH", length): SHARE_MEANING.replace("LENGTH", length) for length in lengths}


def bin_edges(sessions: int, start: int = 0) -> list[int]:
    """Returns the bin edges from session ``start`` to ``sessions``; bins widen as learning slows down.

    The edges are the same for every agent.

    Examples:
        >>> bin_edges(350)
        [0, 50, 100, 150, 200, 250, 300, 350]
        >>> bin_edges(1000)[-4:]
        [714, 801, 899, 1000]
        >>> bin_edges(1500, start=1000)
        [1000, 1122, 1259, 1413, 1500]
    """
    edges = [start]
    while edges[-1] < sessions:
        edges.append(min(max(edges[-1] + FIRST_BIN, round(edges[-1] * GROWTH)), sessions))
    return edges


@dataclass(repr=False)
class Curve(ShownTable):
    """Points of a learning curve over sessions seen.

    Attributes:
        sessions: upper edge of every bin.
        values: a list of the same length for every tag of :data:`TAGS` and every metric of the agent; None where there
            is no number.
    """

    sessions: list[int] = field(default_factory=list)
    values: dict[str, list[float | None]] = field(default_factory=dict)

    def add(self, sessions: int, point: dict[str, float]) -> None:
        """Appends one point; metrics that are new, or missing from this point, are filled with None."""
        for tag in [*point, *self.values]:
            column = self.values.setdefault(tag, [])
            column += [None] * (len(self.sessions) - len(column))
        self.sessions.append(sessions)
        for tag, column in self.values.items():
            value = point.get(tag)
            column.append(float(value) if value is not None and np.isfinite(value) else None)

    def percent_earned(self, start: int = 0) -> float:
        """Returns the expected revenue of all sessions from number ``start`` on, in percent of their optimum.

        Examples:
            >>> Curve([50, 150], {"session/expected": [1.0, 4.0], "session/regret": [3.0, 0.0]}).percent_earned()
            75.0
        """
        widths = np.diff([start, *self.sessions])
        expected, regret = (np.array(self.values[f"session/{name}"], np.float64) for name in ("expected", "regret"))
        return 100 * float(widths @ expected) / max(float(widths @ (expected + regret)), 1e-300)

    def to_frame(self) -> "pd.DataFrame":
        """Returns one row a point: ``sessions`` seen, and a column for every tag."""
        import pandas as pd

        return pd.DataFrame({"sessions": self.sessions, **self.values}).astype(dict.fromkeys(self.values, "float64"))

    def plot(
        self, ax: "Axes | None" = None, *, tag: str = PERCENT, name: str = "", title: str = "learning curve"
    ) -> "Axes":
        """Draws one number over sessions seen; what a point of a mean is, :data:`JOINED` says.

        Args:
            ax: the axes to draw on, such as those of another curve; new ones by default.
            tag: the number, one of :attr:`values`; ``revenue`` stands for ``session/revenue``, if no other ends so.
            name: name of the curve, for a legend.
            title: title of the picture.

        Raises:
            PrerollError: the curve has no such number.
        """
        tag = self._tag(tag)
        x, y = np.array(self.sessions, np.float64), np.array(self.values[tag], np.float64)
        if tag.startswith(MEANS) and self.sessions:
            seen, (y,) = drawn_points([self], tag)
            x = np.array(seen, np.float64)
        best = 100.0 if tag == PERCENT else None
        return plots.curve(ax, x, y, title=title, labels=("sessions seen", _label(tag)), name=name, best=best)

    def _tag(self, told: str) -> str:
        """Returns the tag of this name, or the only one that ends with it."""
        if told in self.values:
            return told
        ending = [tag for tag in self.values if tag.endswith(f"/{told}")]
        if len(ending) == 1:
            return ending[0]
        names = self.values if "/" in str(told) else [tag.rpartition("/")[2] for tag in self.values]
        question = f"; did you mean {' or '.join(ending)}?" if ending else meant(told, names)
        raise PrerollError(f"curve: no tag {told!r}{question}; tags are {', '.join(self.values) or 'none'}")

    def _card(self) -> Card:
        tags = [tag for tag in SHORT if tag in self.values] or list(self.values)
        n = len(self.sessions)
        some = np.unique(np.linspace(0, max(n - 1, 0), min(n, MOST_SHOWN)).round().astype(int))
        rows = [(self.sessions[i], *(self.values[tag][i] for tag in tags)) for i in some]
        points = f"{n:,}" + (f", of which {len(rows)} are shown" if len(rows) < n else "")
        facts = {"points": points, "numbers": ", ".join(self.values)}
        return Card("Learning curve", facts, ("sessions", *(_heading(tag) for tag in tags)), rows)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values for JSON."""
        return {"sessions": self.sessions, "values": self.values}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "Curve":
        """Restores a curve from the output of :meth:`to_dict`."""
        return cls(list(value["sessions"]), {tag: list(column) for tag, column in value["values"].items()})


def drawn_points(curves: Sequence[Curve], tag: str) -> tuple[list[int], NDArray[np.float64]]:
    """Returns what is drawn of curves with the same points, which are joined until they have enough sessions.

    Args:
        curves: the curves, such as those of the seeds of one agent.
        tag: the number; a point where a curve lacks it is left out of all.

    Returns:
        Sessions seen, and float64 [curves, points].
    """
    sessions, columns = curves[0].sessions, np.array([curve.values[tag] for curve in curves], np.float64).T
    ends: list[int] = []
    means: list[NDArray[np.float64]] = []
    before, weight, total = 0, 0, np.zeros(len(curves))
    fewest = min(FEWEST, sessions[-1] / PARTS)
    for end, values in zip(sessions, columns, strict=True):
        if not np.isnan(values).any():
            weight, total = weight + end - before, total + (end - before) * values
            if weight >= fewest or (end == sessions[-1] and not ends):
                ends.append(end)
                means.append(total / weight)
                weight, total = 0, np.zeros(len(curves))
        before = end
    return ends, np.reshape(means, (-1, len(curves))).T


def points_of(*curves: Curve) -> dict[int, dict[str, float]]:
    """Returns the numbers of all ``curves`` by sessions seen, as they are written to an event file.

    Examples:
        >>> points_of(Curve([50, 100], {"a": [1.0, 2.0]}), Curve([50, 100], {"b": [None, 3.0]}))
        {50: {'a': 1.0}, 100: {'a': 2.0, 'b': 3.0}}
    """
    found: dict[int, dict[str, float]] = {}
    for curve in curves:
        for row, seen in enumerate(curve.sessions):
            values = {tag: column[row] for tag, column in curve.values.items()}
            found.setdefault(seen, {}).update({tag: value for tag, value in values.items() if value is not None})
    return found


class CurveBuilder:
    """Builder of a learning curve from a growing ledger: every bin becomes a point once all of its sessions have ended.

    Args:
        ledger: the session ledger.
        exact: the optimum of every phase of drift.
        before: sessions of the trainings that this one continues, from which its own are counted on.
        total_regret: the sum of their regret.
    """

    def __init__(self, ledger: SessionLedger, exact: PhasedOptimum, before: int = 0, total_regret: float = 0.0) -> None:
        self.curve = Curve()
        self._ledger, self.exact, self._before = ledger, exact, before
        self._bins = list(pairwise(bin_edges(before + ledger.sessions, before)))
        self.total_regret = total_regret

    def ready(self) -> bool:
        """Returns whether there is a complete bin without a point."""
        return bool(self._bins) and self._before + self._ledger.complete >= self._bins[0][1]

    def next_point(self, metrics: dict[str, float]) -> tuple[int, dict[str, float]]:
        """Appends the point of the next bin, with the agent's metrics.

        Returns:
            Sessions seen, and the value of every tag that has one.
        """
        start, stop = self._bins.pop(0)
        rows = slice(start - self._before, stop - self._before)
        point = {**self._means(rows), **{AGENT_TAG + name: value for name, value in metrics.items()}}
        self.curve.add(stop, point)
        return stop, {tag: value for tag, value in point.items() if math.isfinite(value)}

    def load_state(self, curve: Curve, total_regret: float) -> None:
        """Resumes after the last point of ``curve``, whose regret adds up to ``total_regret``."""
        self.curve, self.total_regret = curve, total_regret
        self._bins = self._bins[len(curve.sessions) :]

    def _means(self, rows: slice) -> dict[str, float]:
        book = self._ledger
        best = self.exact.optimum_by_phase[self.exact.tables.arrays.phase_of(book.lane_session[rows])]
        regret = best - book.expected[rows]
        self.total_regret += float(regret.sum())
        by_length = book.shown[:, rows].sum(axis=1, dtype=np.float64)
        slots, shown = float(book.slots[rows].sum()), max(float(by_length.sum()), 1.0)
        return {
            "session/revenue": float(book.revenue[rows].mean()),
            "session/expected": float(book.expected[rows].mean()),
            "session/percent_of_optimum": 100 * float(book.expected[rows].sum() / max(best.sum(), 1e-300)),
            "session/regret": float(regret.mean()),
            "session/view_rate": float(book.views[rows].sum()) / shown,
            "session/empty_share": 1 - float(by_length.sum()) / slots,
            "session/length": slots / len(regret),
            "session/terminated": float(book.terminated[rows].mean()),
            "regret/total": self.total_regret,
            **dict(zip(share_tags(book.lengths), by_length / shown, strict=True)),
        }
