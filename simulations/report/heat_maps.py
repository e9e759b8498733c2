"""Heat maps over two varied keys, as HTML tables that are readable without colour, in print and by screen readers."""

from collections.abc import Callable
from html import escape

import numpy as np

from preroll.simulations.experiment.design.names import value_text
from preroll.simulations.report.data import Material
from preroll.simulations.report.findings import long_less_short
from preroll.simulations.training.curve_plot import COLORS

TIE = 0.05  # percent of the optimum: agents closer to the best than this are tied with it
Shown = tuple[str, str]  # text, background colour


def heat_maps(material: Material, rows: str, columns: str) -> list[tuple[str, str]]:
    """Returns the heat maps: best learner, its gap to the optimum, and where long ads beat short ones.

    Args:
        material: an experiment in which two keys vary.
        rows: the key of the rows.
        columns: the key of the columns.

    Returns:
        (title, HTML) of each map; the third is omitted if the scenario has no such ads.
    """
    agents = material.learners or material.agents

    def best(point: str) -> tuple[str, float]:
        means = {agent: material.mean(point, agent, "percent_of_optimum") for agent in agents}
        able = {agent: value for agent, value in means.items() if not np.isnan(value)}
        name = max(able, key=lambda agent: able[agent]) if able else ""
        return name, able.get(name, float("nan"))

    def winner(point: str) -> Shown:
        name, most = best(point)
        level = [one for one in agents if most - material.mean(point, one, "percent_of_optimum") < TIE]
        if len(level) > 1:  # the order among tied agents is random
            return "all equal" if len(level) == len(agents) else " = ".join(level), "#ffffff"
        return name, _pale(COLORS[agents.index(name) % len(COLORS)]) if name else "#ffffff"

    def gap(point: str) -> Shown:
        missing = 100 - best(point)[1]
        if np.isnan(missing):
            return "", "#ffffff"
        return f"{missing:.1f} %", _blend("#ffffff", "#E69F00", min(missing / 30, 1.0))

    found = [
        ("The best learner", _table(material, rows, columns, winner)),
        ("How far the best learner is from the optimum", _table(material, rows, columns, gap)),
    ]
    gains = {point: long_less_short(material, point) for point in material.points}
    if all(gain is not None for gain in gains.values()):
        widest = max(max(abs(gain or 0.0) for gain in gains.values()), 1e-9)

        def long(point: str) -> Shown:
            gain = gains[point] or 0.0
            color = "#56B4E9" if gain > 0 else "#CC79A7"
            return f"{'long' if gain > 0 else 'short'} {gain:+.2f}", _blend("#ffffff", color, abs(gain) / widest)

        title = "Where long beats short: exact revenue of always long less always short"
        found.append((title, _table(material, rows, columns, long)))
    return found


def _table(material: Material, rows: str, columns: str, shown: Callable[[str], Shown]) -> str:
    places: dict[tuple[str, str], str] = {}
    for point, cell in material.points.items():
        places.setdefault((value_text(cell.values[rows], rows), value_text(cell.values[columns], columns)), point)
    down, across = (list(dict.fromkeys(place[axis] for place in places)) for axis in (0, 1))
    head = "".join(f"<th scope=col>{escape(value)}</th>" for value in across)
    lines = []
    for value in down:
        entries = [shown(places[value, other]) if (value, other) in places else ("", "#ffffff") for other in across]
        cells = "".join(f'<td style="background:{color}">{escape(text)}</td>' for text, color in entries)
        lines.append(f"<tr><th scope=row>{escape(value)}</th>{cells}</tr>")
    names = (escape(material.plan.keys[key]).replace("_", "_<wbr>") for key in (rows, columns))
    corner = "{} ↓ <br>{} →".format(*names)
    return f"<table class=map><tr><th class=corner>{corner}</th>{head}</tr>{''.join(lines)}</table>"


def _pale(color: str) -> str:
    return _blend("#ffffff", color, 0.45)


def _blend(first: str, second: str, share: float) -> str:
    """Returns the colour that lies ``share`` of the way from the first to the second."""
    a, b = (np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) for color in (first, second))
    return "#" + "".join(f"{round(value):02x}" for value in a + (b - a) * share)
