"""Tables of a report."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from preroll.shown.amounts import digits_of
from preroll.simulations.evaluation.agent_result import share_column
from preroll.simulations.report.data import Material
from preroll.simulations.report.findings import point_title
from preroll.simulations.statistics import FEWEST_FOR_BOOTSTRAP
from preroll.simulations.statistics.aggregates import interquartile_mean, optimality_gap, probability_of_improvement
from preroll.simulations.statistics.bootstrap import Interval, bootstrap_interval
from preroll.simulations.statistics.comparison import Verdict
from preroll.simulations.statistics.intervals import fixed, interval_text

MOST_PAIRS = 2000  # rows of the table of pairs, for the size of the page
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
    columns = _columns(material.lengths)
    failed = {(cell.point, cell.label): None for cell in material.plan.cells if cell.id in material.failed}
    for point in material.points:
        for agent in [
            *material.agents,
            *(label for at, label in failed if at == point and label not in material.agents),
        ]:
            seeds = len(material.values(point, agent, "revenue"))
            if not seeds and (point, agent) not in failed:
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


def failures_table(material: Material) -> Table:
    """Returns the table of the cells that failed, with the reasons."""
    return Table(["cell", "why it failed"], [[(name, name), (why, why)] for name, why in material.failed.items()])


def _columns(lengths: Sequence[str]) -> list[tuple[str, str, float, int]]:
    shares = [(f"{length} %", share_column(length), 100.0, 1) for length in lengths]
    return [*_COLUMNS[:4], *shares, *_COLUMNS[4:]]


#: Instead of digits: as many as the optimum has.
MONEY = -1
#: Title, metric, factor and digits; the length classes follow after the fourth.
_COLUMNS = (
    ("revenue", "revenue", 1.0, MONEY),
    ("% of optimum", "percent_of_optimum", 1.0, 2),
    ("regret", "regret", 1.0, MONEY),
    ("viewed %", "view_rate", 100.0, 1),
    ("empty %", "empty_share", 100.0, 1),
    ("slots", "session_length", 1.0, 1),
    ("terminated %", "terminated_share", 100.0, 1),
)


def _entry(
    material: Material, point: str, agent: str, title: str, name: str, factor: float, digits: int
) -> tuple[str, float]:
    values = factor * material.values(point, agent, name)
    if not len(values):
        return "failed" if name == "revenue" else "", np.nan
    mean = float(values.mean())
    if np.isnan(mean):
        return "", mean
    largest = {"revenue": material.optimum(point), "percent_of_optimum": 100.0}
    digits = digits_of(largest["revenue"]) if digits == MONEY else digits
    return interval_text(values, digits, 0, largest[name]) if name in largest else fixed(mean, digits), mean


def aggregates_table(material: Material) -> Table:
    """Returns the table of aggregates over all points.

    Columns: mean, interquartile mean, optimality gap, and the share of pairs of runs in which the learner with the
    largest mean earned more.
    """
    scores = {agent: matrix for agent in material.agents if (matrix := material.scores(agent)) is not None}
    learners = [agent for agent in material.learners if agent in scores]
    most = max(learners, key=lambda agent: float(scores[agent].mean())) if learners else None
    rows: list[list[Entry]] = []
    for agent, matrix in scores.items():
        middle, gap = (bootstrap_interval(matrix, one) for one in (interquartile_mean, optimality_gap))
        over = probability_of_improvement(scores[most], matrix) if most and agent != most else float("nan")
        rows.append(
            [
                (agent, agent),
                _percent(Interval(float(matrix.mean()), np.nan, np.nan)),
                _percent(middle),
                _percent(gap),
                ("" if np.isnan(over) else f"{over:.2f}", over),
            ]
        )
    over_title = f"pairs of runs in which {most} earned more" if most else ""
    return Table(["agent", "mean", "interquartile mean", "optimality gap", over_title], rows)


def aggregates_note(material: Material) -> str:
    """Returns sentences on the intervals of the table of aggregates, and on its last column."""
    intervals = "In brackets: 95 % stratified bootstrap over seeds, within each point."
    if material.seeds < FEWEST_FOR_BOOTSTRAP:
        intervals = f"With {material.seeds} seeds no bootstrap interval is given: it would cover less than it claims."
    return (
        f"{intervals} The last column is the share of pairs of runs in which the learner with the largest mean earned "
        "more. Being chosen by these runs flatters it: the column describes them and tests nothing."
    )


def verdicts_table(material: Material) -> Table:
    """Returns the table of all pairs of learners of each point; of very many, those with the smallest p values."""
    made = material.verdicts
    if len(made) > MOST_PAIRS:
        made = sorted(made, key=lambda verdict: verdict.p)[:MOST_PAIRS]
    head = ["point", "pair", "in words", "difference", "p (Holm)", "p (Holm, whole page)", "variance reduction"]
    return Table(head, [_verdict(verdict, material.optimum(verdict.task), material) for verdict in made])


def verdicts_note(material: Material) -> str:
    """Returns a sentence on the pairs that the table of all pairs leaves out; empty if it has all."""
    pairs = len(material.verdicts)
    return f"The {MOST_PAIRS:,} of {pairs:,} pairs with the smallest p values are listed." if pairs > MOST_PAIRS else ""


def _verdict(verdict: Verdict, optimum: float, material: Material) -> list[Entry]:
    difference = verdict.result.difference
    return [
        (point_title(material, verdict.task), verdict.task),
        (f"{verdict.more} − {verdict.less}", verdict.more),
        (verdict.words, verdict.words),
        (difference.text(digits_of(optimum), -optimum, optimum), difference.value),
        (f"{verdict.p:.3g}", verdict.p),
        (f"{verdict.p_overall:.3g}", verdict.p_overall),
        (_times(verdict.result.variance_reduction), verdict.result.variance_reduction),
    ]


def _percent(interval: Interval) -> tuple[str, float]:
    low, high = 100 * interval.low, 100 * min(interval.high, max(interval.value, 1.0))  # more than 100 % is impossible
    return f"{100 * interval.value:.2f} %{'' if np.isnan(low) else f' [{low:.2f}, {high:.2f}]'}", interval.value


def _times(reduction: float) -> str:
    return "all" if np.isinf(reduction) else f"{reduction:.1f} ×"
