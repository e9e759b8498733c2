"""Tables of a report."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from preroll.simulations.evaluation.agent_result import share_column
from preroll.simulations.report.data import Material
from preroll.simulations.report.findings import point_title, verdicts
from preroll.simulations.statistics import FEWEST_FOR_BOOTSTRAP
from preroll.simulations.statistics.aggregates import interquartile_mean, optimality_gap, probability_of_improvement
from preroll.simulations.statistics.bootstrap import Interval, bootstrap_interval
from preroll.simulations.statistics.intervals import mean_interval

Entry = tuple[str, float | str]  # text, key by which a click on the heading sorts


@dataclass(frozen=True)
class Table:
    """Table of the page.

    Attributes:
        head: headings.
        rows: entries by row.
    """

    head: list[str]
    rows: list[list[Entry]]


def agents_table(material: Material) -> Table:
    """Returns the table of every agent at every point, over its seeds."""
    rows: list[list[Entry]] = []
    columns = _columns(material.plan.lengths)
    for point in material.points:
        for agent in material.agents:
            if not (seeds := len(material.values(point, agent, "revenue"))):
                continue
            rows.append(
                [
                    (point_title(material, point), point),
                    (agent, agent),
                    (f"{seeds}" if seeds == material.seeds else f"{seeds} of {material.seeds}", seeds),
                    *(_entry(material, point, agent, *column) for column in columns),
                ]
            )
    return Table(["point", "agent", "seeds", *(title for title, *_ in columns)], rows)


def _columns(lengths: Sequence[str]) -> list[tuple[str, str, float, int]]:
    shares = [(f"{length} %", share_column(length), 100.0, 1) for length in lengths]
    return [*_COLUMNS[:4], *shares, *_COLUMNS[4:]]


#: Title, metric, factor and digits; the length classes follow after the fourth.
_COLUMNS = (
    ("revenue", "revenue", 1.0, 3),
    ("% of optimum", "percent_of_optimum", 1.0, 2),
    ("regret", "regret", 1.0, 3),
    ("viewed %", "view_rate", 100.0, 1),
    ("empty %", "empty_share", 100.0, 1),
    ("slots", "session_length", 1.0, 1),
    ("terminated %", "terminated_share", 100.0, 1),
)


def _entry(
    material: Material, point: str, agent: str, title: str, name: str, factor: float, digits: int
) -> tuple[str, float]:
    values = factor * material.values(point, agent, name)
    mean = float(values.mean())
    half = f" ± {mean_interval(values).half_width:.{digits}f}" if len(values) > 1 and name in _WITH_INTERVAL else ""
    return "" if np.isnan(mean) else f"{mean:.{digits}f}{half}", mean


_WITH_INTERVAL = ("revenue", "percent_of_optimum")


def aggregates_table(material: Material) -> Table:
    """Returns the table of aggregates over all points.

    Columns: mean, interquartile mean, optimality gap, and the probability that the best learner is better.
    """
    scores = {agent: matrix for agent in material.agents if (matrix := material.scores(agent)) is not None}
    learners = [agent for agent in material.learners if agent in scores]
    best = max(learners, key=lambda agent: float(scores[agent].mean())) if learners else None
    rows: list[list[Entry]] = []
    for agent, matrix in scores.items():
        middle, gap = (bootstrap_interval(matrix, one) for one in (interquartile_mean, optimality_gap))
        over = probability_of_improvement(scores[best], matrix) if best and agent != best else float("nan")
        rows.append(
            [
                (agent, agent),
                _percent(Interval(float(matrix.mean()), np.nan, np.nan)),
                _percent(middle),
                _percent(gap),
                ("" if np.isnan(over) else f"{over:.2f}", over),
            ]
        )
    return Table(["agent", "mean", "interquartile mean", "optimality gap", f"P({best} is better)"], rows)


def aggregates_note(material: Material) -> str:
    """Returns a sentence on the intervals of the table of aggregates."""
    if material.seeds < FEWEST_FOR_BOOTSTRAP:
        return f"With {material.seeds} seeds no bootstrap interval is given: it would cover less than it claims."
    return "In brackets: 95 % stratified bootstrap over seeds, within each point."


def verdicts_table(material: Material) -> Table:
    """Returns the table of every learner against the best one of each point."""
    rows: list[list[Entry]] = [
        [
            (point_title(material, verdict.task), verdict.task),
            (verdict.agent, verdict.agent),
            (verdict.words, verdict.words),
            (_difference(verdict.result.difference.value, verdict.result.difference.half_width),
             verdict.result.difference.value),
            (f"{verdict.p:.3g}", verdict.p),
            (_times(verdict.result.variance_reduction), verdict.result.variance_reduction),
        ]
        for verdict in verdicts(material)
    ]  # fmt: skip
    head = ["point", "agent", "in words", "best − agent", "p (Holm)", "variance reduction"]
    return Table(head, rows)


def _percent(interval: Interval) -> tuple[str, float]:
    ends = "" if np.isnan(interval.low) else f" [{100 * interval.low:.2f}, {100 * interval.high:.2f}]"
    return f"{100 * interval.value:.2f} %{ends}", interval.value


def _difference(value: float, half: float) -> str:
    return f"{value:.3f} ± {half:.3f}"


def _times(reduction: float) -> str:
    return "all" if np.isinf(reduction) else f"{reduction:.1f} ×"
