"""Heat maps over two varied keys, as tables that are readable without colour, in print and by screen readers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from preroll.palette import GREEN, ORANGE, PAPER, PURPLE, SKY, YELLOW, blend
from preroll.simulations.experiment.design.names import distinct, value_text, whole
from preroll.simulations.report.data import Material
from preroll.simulations.report.lengths import always_values, best_lengths

UNDECIDED = "not decided"
LENGTHS = "The length class that earns most if always shown, exactly, and its lead over the next"
LENGTH_COLORS = (PURPLE, SKY, YELLOW, GREEN)  # light enough for text
PALE = 0.45  # share of an agent's colour behind its name
Shown = tuple[str, str]  # text, background colour


@dataclass(frozen=True)
class HeatMap:
    """Heat map of the page.

    Attributes:
        title: what it shows.
        rows: name of the key of the rows.
        columns: name of the key of the columns.
        head: values of the columns.
        lines: value and entries of each row.
    """

    title: str
    rows: str
    columns: str
    head: list[str]
    lines: list[tuple[str, list[Shown]]]


def heat_maps(material: Material, rows: str, columns: str) -> list[HeatMap]:
    """Returns the heat maps: best learner, the gap to the optimum, and the best length class.

    Args:
        material: an experiment in which two keys vary.
        rows: the key of the rows.
        columns: the key of the columns.

    Returns:
        The maps; the third is omitted where there are not two length classes to choose from in every category.
    """
    agents = material.compared

    def most(point: str) -> float:
        """Returns the largest mean of an agent; NaN where none is done."""
        means = [material.mean(point, agent, "percent_of_optimum") for agent in agents]
        return max((mean for mean in means if not np.isnan(mean)), default=float("nan"))

    def best(point: str) -> Shown:
        if np.isnan(most(point)):
            return "", PAPER
        left = material.undominated(point)
        if len(left) > 1:
            return UNDECIDED if len(left) == len(agents) else " or ".join(left), PAPER
        return left[0], blend(PAPER, material.colors[left[0]], PALE)

    def gap(point: str) -> Shown:
        missing = 100 - most(point)
        if np.isnan(missing):
            return "", PAPER
        return f"{missing:.1f} %", blend(PAPER, ORANGE, min(missing / 30, 1.0))

    found = [
        _map("The best learner, where it is decided", material, rows, columns, best),
        _map("From the largest mean of a learner to the optimum", material, rows, columns, gap),
    ]
    earned = {point: always_values(material, point) for point in material.points}
    if all(len(values) > 1 for values in earned.values()):
        found.append(_map(LENGTHS, material, rows, columns, _best_length(earned, material.lengths)))
    return found


def _best_length(earned: dict[str, dict[str, float]], lengths: Sequence[str]) -> Callable[[str], Shown]:
    """Returns a function that gives the length class that earns most at a point, and its lead over the next one."""

    def lead(point: str) -> float:
        last, *_, most = sorted(earned[point].values())[-2:]
        return most - last

    widest = max(max(map(lead, earned)), 1e-300)

    def shown(point: str) -> Shown:
        if len(level := best_lengths(earned[point])) > 1:
            return " = ".join(level), PAPER
        color = LENGTH_COLORS[lengths.index(level[0]) % len(LENGTH_COLORS)]
        return f"{level[0]} {lead(point):+.2f}", blend(PAPER, color, lead(point) / widest)

    return shown


def _map(title: str, material: Material, rows: str, columns: str, shown: Callable[[str], Shown]) -> HeatMap:
    cells, keys = material.points, (rows, columns)
    texts = [_texts([cell.values[key] for cell in cells.values()], key) for key in keys]
    places: dict[tuple[str, ...], str] = {}
    for point, cell in cells.items():
        place = tuple(text[whole(cell.values[key])] for text, key in zip(texts, keys, strict=True))
        places.setdefault(place, point)
    down, across = (list(text.values()) for text in texts)
    lines = [
        (value, [shown(places[value, other]) if (value, other) in places else ("", PAPER) for other in across])
        for value in down
    ]
    return HeatMap(title, material.plan.keys[rows], material.plan.keys[columns], across, lines)


def _texts(values: Iterable[Any], key: str) -> dict[str, str]:
    """Returns a text for every value of an axis, longer where two would be the same."""
    possible = {
        whole(value): (value_text(value, key), value_text(value, key, exact=True), str(value)) for value in values
    }
    return distinct(possible, {})
