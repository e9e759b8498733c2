"""Bars with intervals: a panel for each scenario or point, a bar for each agent or policy."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from preroll.envs.rendering.figure_bytes import figure_bytes
from preroll.files import atomic
from preroll.files.kinds import SVG, FileKind
from preroll.palette import FAINT, GRID, INK, UNKNOWN, agent_color

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAR, AROUND = 0.3, 0.75  # inches: a bar, and what stands above and below the bars of a panel
MOST_BARS = 400  # in all panels: as many as a picture has room for


@dataclass(frozen=True)
class Bar:
    """One bar: its name, its length in percent of the optimum, the ends of its interval, and its colour."""

    name: str
    percent: float
    low: float | None = None
    high: float | None = None
    color: str = UNKNOWN


def colors_of(names: Sequence[str], references: Sequence[str]) -> dict[str, str]:
    """Returns a colour for every name; references are grey."""
    others = [name for name in dict.fromkeys(names) if name not in references]
    return dict.fromkeys(references, UNKNOWN) | {name: agent_color(i) for i, name in enumerate(others)}


def draw_bars(panels: Sequence[tuple[str, Sequence[Bar]]]) -> "Figure":
    """Draws a panel for each title, with its bars from the top down; of too many panels the first ones.

    Args:
        panels: titles and bars.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    ends = list(accumulate(len(rows) for _, rows in panels))
    shown = [panel for panel, end in zip(panels, ends, strict=True) if end <= MOST_BARS] or panels[:1]
    heights = [AROUND + BAR * len(rows) for _, rows in shown]
    with rc_context({"text.parse_math": False}):  # a name may hold two dollars
        figure = Figure(figsize=(7, sum(heights)), layout="constrained")
        places = figure.subplots(len(shown), squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
        for axes, (title, rows) in zip(places, shown, strict=True):
            _draw(axes, title, rows)
        left = len(panels) - len(shown)
        more = f" ({left:,} more panels have no room)" if left else ""
        places[-1].set_xlabel(f"% of the optimum; thin lines are 95 % intervals{more}")
    return figure


def _draw(axes: "Axes", title: str, rows: Sequence[Bar]) -> None:
    axes.set_title(title, loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.axvline(100, color=FAINT, linestyle="--", linewidth=1)
    for place, row in enumerate(rows):
        axes.barh(place, row.percent, height=0.7, color=row.color)
        end = row.percent
        if row.low is not None and row.high is not None:
            error = [[max(row.percent - row.low, 0.0)], [max(row.high - row.percent, 0.0)]]
            axes.errorbar([row.percent], [place], xerr=error, color=INK, capsize=3, linewidth=1)
            end = max(row.high, end)
        axes.annotate(f"{row.percent:.1f}", (end, place), (4, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.margins(x=0.12)


def write_figure(figure: "Figure", path: Path, kind: FileKind) -> None:
    """Writes a figure as the kind of file that its name asks for."""
    atomic.write_bytes(path, figure_bytes(figure, "svg" if kind is SVG else "png"))
