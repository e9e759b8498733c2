"""Summary table of an experiment: every agent at every point, over its seeds."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from preroll.palette import agent_colors
from preroll.shown.amounts import digits_of
from preroll.shown.plots import Bar
from preroll.simulations.evaluation.agent_result import share_column
from preroll.simulations.evaluation.evaluation import REFERENCES
from preroll.simulations.experiment.design.plan import Plan
from preroll.simulations.experiment.execution.store import CellState, Store
from preroll.simulations.statistics.intervals import fixed, interval_text, mean_interval

INTERVALS = (
    "± is Student's 95 % interval over seeds, of one number by itself; one in brackets is cut at what is possible. "
    "Which agents differ is tested on the page that preroll experiment report writes."
)
COLUMNS = ("point", "agent", "seeds", "revenue", "% of optimum", "regret", "viewed")


def summary(store: Store, plan: Plan, states: Mapping[str, CellState]) -> tuple[list[str], list[list[str]]]:
    """Formats means over the finished seeds as a table, with a line also for what failed with every seed.

    Args:
        store: the experiment's folder.
        plan: the experiment.
        states: state of every cell by id.

    Returns:
        Headings, and rows in the order of the plan.
    """
    groups: dict[tuple[str, str], list[dict[str, float]]] = {}
    planned: dict[tuple[str, str], int] = {}
    for cell in plan.cells:
        key = cell.point, cell.label
        planned[key] = planned.get(key, 0) + 1
        if states[cell.id] is CellState.DONE:
            groups.setdefault(key, []).append(store.record(cell)["evaluation"])
        elif states[cell.id] in (CellState.FAILED, CellState.DAMAGED):
            groups.setdefault(key, [])
    titles, shares = list(plan.lengths), [share_column(length) for length in plan.lengths]
    if any(entry["empty_share"] > 0 for group in groups.values() for entry in group):
        titles, shares = [*titles, "empty"], [*shares, "empty_share"]
    nothing = ["failed", *[""] * (len(COLUMNS) - 3 + len(titles))]
    rows = [
        [*key, *(_numbers(group, planned[key], shares) if group else (f"0 of {planned[key]}", *nothing))]
        for key, group in groups.items()
    ]
    return [*COLUMNS, *titles, "slots"], rows


def spare(plan: Plan) -> tuple[str, ...]:
    """Returns the columns of the summary to leave out where there is no room, in this order."""
    return "slots", "viewed", "regret", "seeds", "empty", *reversed(plan.lengths), "revenue"


def colors_of(plan: Plan) -> dict[str, str]:
    """Returns the colours of the agents of an experiment, the same in all its pictures."""
    return agent_colors((cell.label for cell in plan.cells), REFERENCES)


def percent_bars(store: Store, plan: Plan, states: Mapping[str, CellState]) -> dict[str, list[Bar]]:
    """Returns percent of the optimum by point, a bar an agent, with intervals over its seeds; references are grey."""
    groups: dict[tuple[str, str], list[float]] = {}
    for cell in plan.cells:
        if states[cell.id] is CellState.DONE:
            percent = store.record(cell)["evaluation"]["percent_of_optimum"]
            groups.setdefault((cell.point, cell.label), []).append(percent)
    colors = colors_of(plan)
    bars: dict[str, list[Bar]] = {}
    for (point, label), percents in groups.items():
        mean = mean_interval(np.array(percents)) if len(percents) > 1 else None  # one seed has no interval
        low, high = mean.within(0, 100) if mean else (None, None)
        bars.setdefault(point, []).append(Bar(label, float(np.mean(percents)), low, high, colors[label]))
    return bars


def footnotes(store: Store, plan: Plan, states: Mapping[str, CellState]) -> list[str]:
    """Returns sentences on the numbers of the summary table."""
    done = [cell for cell in plan.cells if states[cell.id] is CellState.DONE]
    evaluations = [store.record(cell)["evaluation"] for cell in done]
    notes: dict[str, str] = {}
    for cell, entry in zip(done, evaluations, strict=True):
        notes.setdefault(cell.point, entry.get("optimum_note", ""))
    return [INTERVALS, *notes_on_optimum(notes), *notes_on_learning(evaluations)]


def notes_on_learning(evaluations: Iterable[Mapping[str, Any]]) -> list[str]:
    """Returns what evaluations say of agents that may not have learned, once for all cells of which it is said.

    Examples:
        >>> notes_on_learning([{"note": "agent dqn has not learned."}, {}, {"note": "agent dqn has not learned."}])
        ['agent dqn has not learned. (2 cells)']
    """
    told = Counter(entry["note"] for entry in evaluations if "note" in entry)
    return [f"{note} ({'1 cell' if number == 1 else f'{number} cells'})" for note, number in told.items()]


def notes_on_optimum(notes: Mapping[str, str]) -> list[str]:
    """Returns sentences on what the optimum knows and agents do not see, from what it knows at every point.

    Examples:
        >>> notes_on_optimum({"a": "", "b": "knows the hidden segment: a bound"})
        ['The optimum at b knows the hidden segment: a bound.']
    """
    points: dict[str, list[str]] = {}
    for point, note in notes.items():
        points.setdefault(note, []).append(point)
    places = {note: "" if len(where) == len(notes) else f"at {', '.join(where)} " for note, where in points.items()}
    return [f"The optimum {place}{note}." for note, place in places.items() if note]


def _numbers(group: Sequence[dict[str, float]], planned: int, shares: Sequence[str]) -> list[str]:
    # A point whose scenario lacks a length class has no share of it.
    given = {name: [entry[name] for entry in group if name in entry] for name in (*_NAMES, *shares)}
    column = {name: np.array(values, np.float64) for name, values in given.items()}
    digits = digits_of(column["optimum"].max())
    return [
        str(len(group)) if len(group) == planned else f"{len(group)} of {planned}",
        interval_text(column["revenue"], digits, 0, column["optimum"].max()),
        interval_text(column["percent_of_optimum"], 2, 0, 100),
        fixed(column["regret"].mean(), digits),
        f"{100 * column['view_rate'].mean():z.1f} %",
        *(f"{100 * column[name].mean():z.1f} %" if column[name].size else "" for name in shares),
        f"{column['session_length'].mean():.1f}",
    ]


_NAMES = ("revenue", "optimum", "percent_of_optimum", "regret", "view_rate", "session_length")
