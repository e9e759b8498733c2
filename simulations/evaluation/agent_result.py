"""Result of one agent: its revenue, what the optimum earns, and what it showed."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from preroll.agents.finite import finite
from preroll.envs.optimum.explanation import Explanation
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.envs.policies.rollout import Rollout
from preroll.shown import plots
from preroll.shown.amounts import amount, digits_of
from preroll.shown.card import Card
from preroll.shown.shown import ShownTable
from preroll.simulations.statistics.intervals import Mean, fixed, mean_interval

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: A difference from a reference that did not play.
UNKNOWN = Mean(math.nan, math.nan)


@dataclass(frozen=True, repr=False)
class AgentResult(ShownTable):
    """Result of one agent; revenue, regret and differences are per session.

    Attributes:
        name: name of the agent, or of its run.
        sessions: number of sessions played.
        lanes: number of independent lanes.
        revenue: simulated revenue.
        exact_revenue: exact expected revenue; None if it is not wanted, or the policy does not fit in a table.
        expected_revenue: the exact revenue if it is known, else the optimum plus the paired difference from it.
        optimum: the optimum, which may know more than agents see (``optimum_note``).
        optimum_is_bound: whether the optimum is an upper bound, which no agent can earn.
        optimum_note: what the optimum knows and agents do not see, in few words; empty if there is nothing.
        difference: revenue minus that of the optimal policy, paired by common random numbers.
        above_random: revenue minus that of the random policy, paired. Both differences are NaN where the reference did
            not play.
        view_rate: share of the ads shown that were viewed.
        shares: share of each length class among the ads shown, by name.
        empty_share: share of the slots left without an ad.
        session_length: slots of a session.
        terminated_share: share of sessions that the user left before the horizon.
        explanation: where it loses revenue; None if that is not wanted.

    Examples:
        >>> from preroll.envs import Tables
        >>> from preroll.simulations import evaluate
        >>> greedy = evaluate({}, Tables.compile("fatigue", "demo"), sessions=1000)["greedy"]
        >>> round(greedy.exact_revenue, 2), round(greedy.optimum, 2), round(greedy.regret, 2)
        (6.4, 8.84, 2.45)
        >>> greedy.revenue.low < greedy.exact_revenue < greedy.revenue.high
        True
    """

    name: str
    sessions: int
    lanes: int
    revenue: Mean
    exact_revenue: float | None
    expected_revenue: float
    optimum: float
    optimum_is_bound: bool
    optimum_note: str
    difference: Mean
    above_random: Mean
    view_rate: float
    shares: dict[str, float]
    empty_share: float
    session_length: float
    terminated_share: float
    explanation: Explanation | None = None

    @property
    def regret(self) -> float:
        """Optimum minus expected revenue."""
        return self.optimum - self.expected_revenue

    @property
    def percent_of_optimum(self) -> float:
        """Expected revenue in percent of the optimum; 100 where nothing can be earned.

        It is exact where the exact revenue is known, and else :attr:`paired_percent`.
        """
        return 100 * self.expected_revenue / self.optimum if self.optimum else 100.0

    @property
    def percent_interval(self) -> tuple[float, float]:
        """Ends of the 95 % interval of :attr:`percent_of_optimum`, cut at what is possible; no width where exact."""
        if self.exact_revenue is not None:
            return self.percent_of_optimum, self.percent_of_optimum
        return self.paired_percent.within(0, 100)

    @property
    def percent_text(self) -> str:
        """:attr:`percent_of_optimum` as all tables print it: with its interval, where it is not exact."""
        return self.paired_percent.text(2, 0, 100) if self.exact_revenue is None else fixed(self.percent_of_optimum, 2)

    @property
    def paired_percent(self) -> Mean:
        """Simulated revenue in percent of the optimum: 100 · (optimum + paired difference) / optimum.

        Its interval is narrower than that of revenue / optimum.
        """
        return self.difference.scaled(100 / self.optimum if self.optimum else 0.0, 100.0)

    def _card(self) -> Card:
        most = amount(self.optimum)
        facts = {
            "revenue": f"{self.revenue.text(digits_of(self.optimum), 0, self.optimum)} a session, of at most {most}",
            **({"exact": amount(self.exact_revenue)} if self.exact_revenue is not None else {}),
            "% of optimum": self.percent_text,
            **({"the optimum": self.optimum_note} if self.optimum_note else {}),
            "sessions": f"{self.sessions:,} in {self.lanes:,} lanes, of {self.session_length:.1f} slots on average",
        }
        rows = [(name, f"{100 * share:.1f} %") for name, share in self._shares()]
        return Card(f"Result of {self.name}", facts, ("what", "share"), rows)

    def to_frame(self) -> "pd.DataFrame":
        """Returns :meth:`to_row` as a table of one row."""
        import pandas as pd

        return pd.DataFrame([self.to_row()])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draws shares in percent: of the ads that were viewed, of the length classes, of empty slots.

        Args:
            ax: the axes to draw on; new ones by default.
        """
        rows = [plots.Bar(name, 100 * share) for name, share in self._shares()]
        return plots.bars(ax, rows, title=f"{self.name}: {self.sessions:,} sessions", x="%")

    def _shares(self) -> list[tuple[str, float]]:
        shares = [("viewed", self.view_rate), *self.shares.items(), ("empty slots", self.empty_share)]
        return [*shares, ("left early", self.terminated_share)]

    def to_row(self) -> dict[str, Any]:
        """Returns every number as flat columns: beside a mean ``x`` stands its interval, ``x_low`` to ``x_high``.

        Intervals are not cut at what is possible, as those of texts are: their widths tell the standard errors. The
        revenue and what is paired are simulated; ``percent_of_optimum`` and ``regret`` are of the exact revenue where
        it is known, and the interval of the former has no width there.
        """
        paired = self.paired_percent
        means = {
            "revenue": self.revenue,
            "percent_of_optimum": paired if self.exact_revenue is None else Mean(self.percent_of_optimum, 0.0),
            "paired_percent": paired,
            "difference": self.difference,
            "above_random": self.above_random,
        }
        ends = {
            f"{name}{end}": value
            for name, mean in means.items()
            for end, value in (("", mean.value), ("_low", mean.low), ("_high", mean.high))
        }
        told = self.to_dict()
        del told["revenue_half_width"]
        return {"agent": self.name, **ends, **{name: value for name, value in told.items() if name not in ends}}

    def to_dict(self) -> dict[str, Any]:
        """Returns the columns of an experiment's tidy table, as plain values for JSON."""
        return {
            "evaluation_sessions": self.sessions,
            "evaluation_lanes": self.lanes,
            "revenue": self.revenue.value,
            "revenue_half_width": self.revenue.half_width,
            "exact_revenue": self.exact_revenue,
            "optimum": self.optimum,
            "optimum_is_bound": self.optimum_is_bound,
            "optimum_note": self.optimum_note,
            "percent_of_optimum": self.percent_of_optimum,
            "regret": self.regret,
            "view_rate": self.view_rate,
            "empty_share": self.empty_share,
            "session_length": self.session_length,
            "terminated_share": self.terminated_share,
            **{share_column(length): share for length, share in self.shares.items()},
        }


def share_column(length: str) -> str:
    """Returns the name of the column with the share of a length class, which no other column can have.

    Examples:
        >>> share_column("empty")
        'share.empty'
    """
    return f"share.{length}"


def result_of(
    name: str,
    played: Rollout,
    exact_revenue: float | None,
    exact: PhasedOptimum,
    *,
    best: Rollout | None = None,
    worst: Rollout | None = None,
) -> AgentResult:
    """Computes the result of one agent from the sessions that it played.

    Args:
        name: name of the agent, or of its run.
        played: the sessions.
        exact_revenue: exact value of the agent's policy, if it is known.
        exact: exact values of the scenario.
        best: the optimal policy on the same sessions; needed where the exact value is not known.
        worst: the random policy on the same sessions.

    Raises:
        NotFiniteError: its revenue is no number, which is no result.
    """
    by_lane = played.revenue.mean(axis=1)
    lanes, per_lane = played.revenue.shape
    lengths = np.array(exact.tables.spec.lengths)
    by_ad = played.by_ad.sum(axis=0)
    shown = max(int(by_ad[lengths != "none"].sum()), 1)
    expected = exact_revenue
    if expected is None:
        assert best is not None
        expected = exact.optimum + float(played.revenue.mean() - best.revenue.mean())
    finite(f"revenue of {name}", np.append(by_lane, expected))
    return AgentResult(
        name=name,
        sessions=lanes * per_lane,
        lanes=lanes,
        revenue=mean_interval(by_lane),
        exact_revenue=exact_revenue,
        expected_revenue=expected,
        optimum=exact.optimum,
        optimum_is_bound=exact.is_bound,
        optimum_note=exact.note,
        difference=mean_interval(by_lane - best.revenue.mean(axis=1)) if best else UNKNOWN,
        above_random=mean_interval(by_lane - worst.revenue.mean(axis=1)) if worst else UNKNOWN,
        view_rate=float(played.views.sum()) / shown,
        shares={length: float(by_ad[lengths == length].sum()) / shown for length in exact.tables.scenario.lengths},
        empty_share=float(by_ad[lengths == "none"].sum()) / float(by_ad.sum()),
        session_length=float(played.slots.mean()),
        terminated_share=float(played.terminated.mean()),
    )
