"""Summary table of an experiment: every agent at every point, over its seeds."""

from collections.abc import Mapping, Sequence

import numpy as np

from preroll.simulations.experiment.design.plan import Plan
from preroll.simulations.experiment.execution.store import CellState, Store, read_cell
from preroll.simulations.statistics.intervals import mean_interval

COLUMNS = ("point", "agent", "seeds", "revenue", "% of optimum", "regret", "viewed", "long", "slots")


def summary(store: Store, plan: Plan, states: Mapping[str, CellState]) -> tuple[list[str], list[list[str]]]:
    """Formats means over the finished seeds as a table.

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
            groups.setdefault(key, []).append(read_cell(store.folder(cell))["evaluation"])
    return list(COLUMNS), [[*key, *_numbers(group, planned[key])] for key, group in groups.items()]


def notes_on_optimum(store: Store, plan: Plan, states: Mapping[str, CellState]) -> list[str]:
    """Returns sentences on what the optimum knows and agents do not see, with the points where it does."""
    told: dict[str, str] = {}
    for cell in plan.cells:
        if cell.point not in told and states[cell.id] is CellState.DONE:
            told[cell.point] = read_cell(store.folder(cell))["evaluation"].get("optimum_note", "")
    points: dict[str, list[str]] = {}
    for point, note in told.items():
        points.setdefault(note, []).append(point)
    places = {note: "" if len(where) == len(told) else f"at {', '.join(where)} " for note, where in points.items()}
    return [f"The optimum {place}{note}." for note, place in places.items() if note]


def _numbers(group: Sequence[dict[str, float]], planned: int) -> list[str]:
    column = {name: np.array([entry[name] for entry in group], np.float64) for name in _NAMES}
    return [
        str(len(group)) if len(group) == planned else f"{len(group)} of {planned}",
        _interval(column["revenue"], 3),
        _interval(column["percent_of_optimum"], 2),
        f"{column['regret'].mean():.3f}".replace("-0.000", "0.000"),
        f"{100 * column['view_rate'].mean():.1f} %",
        f"{100 * column['long_share'].mean():.1f} %",
        f"{column['session_length'].mean():.1f}",
    ]


def _interval(values: np.ndarray[tuple[int], np.dtype[np.float64]], digits: int) -> str:
    """Formats mean ± half of Student's t interval; a single seed has no interval."""
    if len(values) < 2:
        return f"{values.mean():.{digits}f}"
    mean = mean_interval(values)
    return f"{mean.value:.{digits}f} ± {mean.half_width:.{digits}f}"


_NAMES = ("revenue", "percent_of_optimum", "regret", "view_rate", "long_share", "session_length")
