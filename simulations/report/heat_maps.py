"""Heat maps over two varied keys, as tables that are readable without colour, in print and by screen readers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from preroll.palette import ORANGE, PAPER, PURPLE, SKY, agent_color, blend
from preroll.simulations.experiment.design.names import value_text
from preroll.simulations.report.data import Material
from preroll.simulations.report.findings import long_less_short

UNDECIDED = "not decided"
TIE = 1e-9  # exact values that differ by less are equal
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
    """Returns the heat maps: best learner, the gap to the optimum, and where long ads beat short ones.

    Args:
        material: an experiment in which two keys vary.
        rows: the key of the rows.
        columns: the key of the columns.

    Returns:
        The maps; the third is omitted if the scenario has no such ads.
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
        return left[0], blend(PAPER, agent_color(agents.index(left[0])), PALE)

    def gap(point: str) -> Shown:
        missing = 100 - most(point)
        if np.isnan(missing):
            return "", PAPER
        return f"{missing:.1f} %", blend(PAPER, ORANGE, min(missing / 30, 1.0))

    found = [
        _map("The best learner, where it is decided", material, rows, columns, best),
        _map("From the largest mean of a learner to the optimum", material, rows, columns, gap),
    ]
    gains = {point: long_less_short(material, point) for point in material.points}
    if all(gain is not None for gain in gains.values()):
        widest = max(max(abs(gain or 0.0) for gain in gains.values()), 1e-9)

        def long(point: str) -> Shown:
            gain = gains[point] or 0.0
            if abs(gain) < TIE:
                return "equal", PAPER
            color = SKY if gain > 0 else PURPLE
            return f"{'long' if gain > 0 else 'short'} {gain:+.2f}", blend(PAPER, color, abs(gain) / widest)

        title = "Where long beats short: exact revenue of always long less always short"
        found.append(_map(title, material, rows, columns, long))
    return found


def _map(title: str, material: Material, rows: str, columns: str, shown: Callable[[str], Shown]) -> HeatMap:
    places: dict[tuple[str, str], str] = {}
    for point, cell in material.points.items():
        places.setdefault((value_text(cell.values[rows], rows), value_text(cell.values[columns], columns)), point)
    down, across = (list(dict.fromkeys(place[axis] for place in places)) for axis in (0, 1))
    lines = [
        (value, [shown(places[value, other]) if (value, other) in places else ("", PAPER) for other in across])
        for value in down
    ]
    return HeatMap(title, material.plan.keys[rows], material.plan.keys[columns], across, lines)
