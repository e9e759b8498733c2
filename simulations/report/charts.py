"""Charts of a report, as inline SVG."""

import re
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from preroll.envs.rendering.figure_bytes import figure_bytes
from preroll.palette import FAINT, INK, PAPER, blend
from preroll.shown.axes import Grid, picture
from preroll.simulations.report.curve_plot import drawn_points
from preroll.simulations.report.data import Material, number_of
from preroll.simulations.report.findings import point_title
from preroll.simulations.report.lengths import always_values
from preroll.simulations.statistics.aggregates import performance_profile
from preroll.simulations.statistics.intervals import mean_interval
from preroll.simulations.training.curves import PERCENT as CURVE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
#: Of the references, which are all grey.
DASHES = {"optimum": "--", "greedy": "-.", "random": ":"}
WIDTH = 5.4  # inches: text of 10 points is still readable on a phone's 400 pixels
WIDE = (WIDTH, 3.2)
HANDLE, LETTER = 0.6, 0.07  # inches of an entry's line with its gaps, and of a letter of its name
LONGEST = 80  # letters of a name in a legend, the last ones: a legend wider than the chart leaves it no room
MARGIN, APART = 0.03, 0.008  # shares of an axis: beside what is drawn, and between the error bars of two agents
PERCENT = "percent_of_optimum"
HIGHEST = 105  # % of the optimum: to where learning curves are seen
PALEST = 0.7  # share of white in the grey of the shortest length


def svg(
    draw: Callable[["Axes"], None],
    title: str,
    size: tuple[float, float] = WIDE,
    *,
    x: str = "",
    y: str = "",
    grid: Grid = "y",
) -> str:
    """Draws one chart as SVG.

    Args:
        draw: function that draws on the axes.
        title: accessible name, for screen readers.
        size: width and height in inches.
        x: label of the x axis.
        y: label of the y axis.
        grid: the axis whose values have lines.

    Returns:
        An ``<svg>`` element that scales with the page.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    with picture(figure.add_subplot(), "", x=x, y=y, grid=grid) as axes:
        draw(axes)
    # A different salt for every chart: charts on one page must not share the ids of their clip paths.
    text = figure_bytes(figure, "svg", salt=title).decode()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1)


def style(material: Material, agent: str) -> dict[str, Any]:
    """Returns colour, marker and line style of an agent, the same on every chart; the optimum has no marker."""
    i = [name for name in material.colors if name != "optimum"].index(agent) if agent != "optimum" else None
    marker = None if i is None else MARKERS[i % len(MARKERS)]  # more than there are colours: no two repeat together
    return {"color": material.colors[agent], "marker": marker, "linestyle": DASHES.get(agent, "-")}


def lowest_percent(material: Material, points: Sequence[str]) -> float:
    """Returns the lowest percent of the optimum that an interval or a seed of any agent reaches at some points."""
    found = [material.values(point, agent, PERCENT) for point in points for agent in material.agents]
    ends = [(_bar(values), float(values.min())) for values in found if len(values)]
    return min((min(mean - below, lowest) for (mean, below, _), lowest in ends), default=0.0)


def percent_by_point(material: Material, point: str, left: float = 0.0) -> str:
    """Draws the percent of the optimum of every agent at one point: mean, t interval, and the value of every seed.

    Args:
        material: an experiment.
        point: one of its points.
        left: least value that has to be seen, for charts that are compared.
    """

    def draw(axes: "Axes") -> None:
        for row, agent in enumerate(reversed(material.agents)):
            values = material.values(point, agent, PERCENT)
            if not len(values):
                continue
            look = style(material, agent)
            axes.plot(values, np.full(len(values), row + 0.22), "o", color=look["color"], alpha=0.5, markersize=4)
            mean, below, above = _bar(values)
            axes.errorbar(
                mean, row, xerr=[[below], [above]], color=look["color"], marker=look["marker"] or "|", capsize=4
            )
        axes.set_yticks(range(len(material.agents)), list(reversed(material.agents)))
        axes.axvline(100, color=FAINT, linestyle="--", linewidth=1)
        axes.set_xlim(left - MARGIN * (100 - left) - 1, 101 + MARGIN * (100 - left))

    title = f"Percent of the optimum by agent: {point_title(material, point)}"
    return svg(draw, title, (WIDTH, 0.9 + 0.36 * len(material.agents)), x="% of the optimum", grid="x")


def learning_curves(material: Material, point: str) -> str:
    """Draws the percent of the optimum over sessions seen.

    The line is the mean over seeds; the band, with at least two finished seeds, is Student's interval. Both are of the
    sessions that were played, whose videos may be better than the mean of all: neither is cut at 100 %.
    """

    def draw(axes: "Axes") -> None:
        for agent in material.learners or material.agents:
            curves = material.curves(point, agent)
            if not curves:
                continue
            x, y = drawn_points(curves, CURVE)
            look = style(material, agent)
            line = {"color": look["color"], "linestyle": look["linestyle"], "linewidth": 1.8}
            axes.plot(x, y.mean(axis=0), label=agent, **line)
            if len(y) > 1:
                means = [mean_interval(column) for column in y.T]
                ends = [mean.low for mean in means], [mean.high for mean in means]
                axes.fill_between(x, *ends, color=look["color"], alpha=0.15, lw=0)
        axes.axhline(100, color=FAINT, linestyle="--", linewidth=1)
        axes.set_xscale("log")
        axes.set_ylim(max(axes.get_ylim()[0], 0), HIGHEST)
        legend(axes)

    title = f"Learning curves: {point_title(material, point)}"
    return svg(draw, title, x="sessions seen", y="% of the optimum, exploring")


def over_key(material: Material, key: str, name: str, label: str, *, factor: float = 1.0) -> str:
    """Draws one percentage of every agent over the only varied key.

    Args:
        material: an experiment in which one key varies.
        key: the varied key.
        name: metric of the evaluation.
        label: label of the metric.
        factor: factor on the metric.
    """

    def draw(axes: "Axes") -> None:
        x = np.array([number_of(cell.values[key]) for cell in material.points.values()], np.float64)
        order = np.argsort(x)
        apart = APART * (x.max() - x.min())  # error bars in one place would hide each other
        for i, agent in enumerate(material.agents):
            aside = (i - (len(material.agents) - 1) / 2) * apart
            by_point = [factor * material.values(point, agent, name) for point in material.points]
            if not all(len(values) for values in by_point) or all(np.isnan(values).all() for values in by_point):
                continue
            y, *ends = np.array([_bar(values) for values in by_point])[order].T
            look = style(material, agent)
            axes.errorbar(x[order] + aside, y, yerr=ends, label=agent, capsize=3, linewidth=1.6, markersize=5, **look)
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, -3), min(high, 103))
        legend(axes)

    return svg(draw, f"{label} over {key}", x=_key_label(material, key), y=label)


def always_over_key(material: Material, key: str) -> str | None:
    """Draws the exact revenue of always showing each length class over the only varied key.

    Returns:
        The chart; None if at no point there are two length classes to choose from in every category.
    """
    found = [(number_of(c.values[key]), always_values(material, point)) for point, c in material.points.items()]
    if all(len(values) < 2 for _, values in found):
        return None

    def draw(axes: "Axes") -> None:
        shades = np.linspace(PALEST, 0, len(material.lengths))  # as those of ads, of no category: the longer the darker
        for i, (length, shade) in enumerate(zip(material.lengths, shades.tolist(), strict=True)):
            line = sorted((x, values[length]) for x, values in found if x is not None and length in values)
            if line:
                x, y = zip(*line, strict=True)
                color, marker = blend(INK, PAPER, shade), MARKERS[i % len(MARKERS)]
                axes.plot(x, y, color=color, marker=marker, label=f"always {length}")
        legend(axes)

    title = f"What each length class earns if always shown, exactly, over {key}"
    return svg(draw, title, x=_key_label(material, key), y="exact revenue per session")


def profiles(material: Material) -> str | None:
    """Draws performance profiles: the share of runs above each share of the optimum (Agarwal et al. 2021).

    Returns:
        The chart; None if no agent has finished all cells, or there are fewer than two runs per agent.
    """
    scores = {agent: material.scores(agent) for agent in material.agents if agent != "optimum"}
    able = {agent: matrix for agent, matrix in scores.items() if matrix is not None}
    if not able or sum(matrix.size for matrix in able.values()) < 2 * len(able):
        return None

    def draw(axes: "Axes") -> None:
        lowest = min(float(matrix.min()) for matrix in able.values())
        thresholds = np.linspace(max(lowest - 0.02, 0), 1, 201)
        for agent, matrix in able.items():
            look = style(material, agent)
            line = {"color": look["color"], "linestyle": look["linestyle"], "linewidth": 1.8}
            axes.step(100 * thresholds, 100 * performance_profile(matrix, thresholds), label=agent, **line)
        legend(axes)

    return svg(draw, "Performance profiles", x="% of the optimum", y="runs above it [%]", grid="both")


def _bar(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Returns the mean of percentages and the lengths of its error bar below and above it, cut at 0 and 100 %."""
    if len(values) < 2:
        return float(values.mean()), 0.0, 0.0
    mean = mean_interval(values)
    low, high = mean.within(0, 100)
    return mean.value, mean.value - low, high - mean.value


def legend(axes: "Axes") -> None:
    """Adds a legend below the chart, where it hides nothing; none if nothing is drawn."""
    names = axes.get_legend_handles_labels()[1]
    if not names:
        return
    widest = HANDLE + LETTER * min(max(map(len, names)), LONGEST)
    columns = max(1, min(len(names), 4, int(WIDTH / widest)))
    made = axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False, fontsize=9, ncols=columns)
    for text in made.get_texts():
        if len(name := text.get_text()) > LONGEST:
            text.set_text(f"…{name[1 - LONGEST :]}")


def _key_label(material: Material, key: str) -> str:
    """Returns the label of an axis of values or factors."""
    scaled = any(isinstance(cell.values[key], dict) for cell in material.points.values())
    return key + (" (factor)" if scaled else "")
