"""Comparison of agents as a table of texts."""

from collections.abc import Callable
from dataclasses import dataclass

from preroll.simulations.evaluation.agent_result import AgentResult
from preroll.simulations.evaluation.evaluation import Evaluation
from preroll.simulations.statistics.intervals import Mean


@dataclass(frozen=True)
class Column:
    """One column of the comparison.

    Attributes:
        title: heading.
        cell: function that returns the text for a row.
        extra: whether the column is omitted where space is scarce.
    """

    title: str
    cell: Callable[[AgentResult], str]
    extra: bool = False


COLUMNS = (
    Column("agent", lambda row: row.name),
    Column("revenue", lambda row: _interval(row.revenue, 2)),
    Column("% of optimum", lambda row: _interval(row.paired_percent, 2)),
    Column("regret", lambda row: _number(row.regret, 3)),
    Column("less optimum, paired", lambda row: _interval(row.difference, 3), extra=True),
    Column("exact", lambda row: "" if row.exact_revenue is None else _number(row.exact_revenue, 3), extra=True),
    Column("viewed", lambda row: f"{100 * row.view_rate:.1f} %"),
    Column("long", lambda row: f"{100 * row.long_share:.1f} %"),
    Column("empty", lambda row: f"{100 * row.empty_share:.1f} %"),
    Column("slots", lambda row: f"{row.session_length:.1f}", extra=True),
)


def comparison_table(evaluation: Evaluation, *, extra: bool = True) -> tuple[list[str], list[list[str]]]:
    """Formats an evaluation as a table, best agent first.

    The column of empty slots appears only if some agent left a slot empty.

    Args:
        evaluation: the results.
        extra: whether to include the columns for which a narrow terminal has no room.

    Returns:
        Headings, and the texts of every row.

    Examples:
        >>> from preroll.envs import Tables
        >>> from preroll.simulations import comparison_table, evaluate
        >>> evaluation = evaluate({}, Tables.compile("fatigue", "demo"), sessions=1000)
        >>> headings, rows = comparison_table(evaluation, extra=False)
        >>> headings[:4], [row[0] for row in rows]
        (['agent', 'revenue', '% of optimum', 'regret'], ['optimum', 'greedy', 'random'])
    """
    empty = any(row.empty_share > 0 for row in evaluation.rows)
    columns = [c for c in COLUMNS if (extra or not c.extra) and (empty or c.title != "empty")]
    rows = sorted(evaluation.rows, key=_rank)
    return [c.title for c in columns], [[c.cell(row) for c in columns] for row in rows]


def footnote(evaluation: Evaluation) -> str:
    """Returns one paragraph that explains the numbers of the table."""
    best = "an upper bound of the optimum" if evaluation.optimum_is_bound else "the exact optimum"
    return (
        f"Scenario {evaluation.scenario}: {evaluation.sessions:,} sessions of each agent, with common random numbers. "
        f"Revenue and regret are per session, ± is a 95 % interval over {evaluation.lanes:,} independent lanes, and "
        f"{evaluation.rows[0].optimum:.3f} is {best}."
    )


def _rank(row: AgentResult) -> tuple[float, int]:
    """Returns the sort key: by expected revenue; among equals first the optimum, then greedy."""
    order = ("optimum", "greedy", row.name)
    return -round(row.percent_of_optimum, 5), order.index(row.name)


def _interval(mean: Mean, digits: int) -> str:
    return f"{_number(mean.value, digits)} ± {mean.half_width:.{digits}f}"


def _number(value: float, digits: int) -> str:
    """Formats with fixed digits and a true minus sign, without a minus before 0."""
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")
