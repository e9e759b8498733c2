"""Comparison of agents as a table of texts."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from preroll.envs.optimum.knowledge import in_words
from preroll.shown.amounts import amount, digits_of
from preroll.simulations.evaluation.agent_result import AgentResult
from preroll.simulations.evaluation.evaluation import Evaluation
from preroll.simulations.statistics.intervals import fixed


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


#: Before the columns of the length classes.
COLUMNS = (
    Column("agent", lambda row: row.name),
    Column("revenue", lambda row: row.revenue.text(digits_of(row.optimum, 2), 0, row.optimum)),
    Column("% of optimum", lambda row: row.percent_text),
    Column("regret", lambda row: fixed(row.regret, digits_of(row.optimum))),
    Column(
        "less optimum, paired", lambda row: row.difference.text(digits_of(row.optimum), -row.optimum, 0), extra=True
    ),
    Column("exact", lambda row: _exact(row), extra=True),
    Column("viewed", lambda row: f"{100 * row.view_rate:z.1f} %"),
)
EMPTY = Column("empty", lambda row: f"{100 * row.empty_share:z.1f} %")
SLOTS = Column("slots", lambda row: f"{row.session_length:.1f}", extra=True)


def comparison_table(evaluation: Evaluation, *, extra: bool = True) -> tuple[list[str], list[list[str]]]:
    """Formats an evaluation as a table, the agent with the largest expected revenue first.

    Every length class of the scenario has a column with its share of the ads shown; the column of empty slots appears
    only if some agent left a slot empty.

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
        >>> headings[4:]
        ['viewed', 'short', 'long', 'empty']
    """
    shares = [Column(length, partial(_share, length)) for length in evaluation.rows[0].shares]
    empty = [EMPTY] if any(row.empty_share > 0 for row in evaluation.rows) else []
    columns = [column for column in (*COLUMNS, *shares, *empty, SLOTS) if extra or not column.extra]
    rows = sorted(evaluation.rows, key=_rank)
    return [c.title for c in columns], [[c.cell(row) for c in columns] for row in rows]


#: What the numbers of every table mean.
LEGEND = (
    "Revenue and regret are per session, ± is a 95 % interval over the lanes. % of optimum is exact where it has no "
    "interval, and estimated by the paired difference where it has one; so is regret. An interval in brackets is cut "
    "at what is possible (chance may put simulated revenue beyond). Each interval is of one number of one training: "
    "which agent earns more is tested over seeds, by an experiment."
)


def footnote(evaluation: Evaluation) -> str:
    """Returns a sentence on what was played for the table."""
    first = evaluation.rows[0]
    return (
        f"Scenario {evaluation.scenario}: {evaluation.sessions:,} sessions of each agent, with common random numbers, "
        f"in {evaluation.lanes:,} independent lanes; {amount(first.optimum)} is {in_words(first.optimum_note)}."
    )


def _exact(row: AgentResult) -> str:
    return "" if row.exact_revenue is None else fixed(row.exact_revenue, digits_of(row.optimum))


def _share(length: str, row: AgentResult) -> str:
    return f"{100 * row.shares[length]:z.1f} %"


def _rank(row: AgentResult) -> tuple[float, int]:
    """Returns the sort key: by expected revenue; among equals first the optimum, then greedy."""
    order = ("optimum", "greedy", row.name)
    return -round(row.percent_of_optimum, 5), order.index(row.name)
