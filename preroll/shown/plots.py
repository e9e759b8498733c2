"""Pictures of results, all with one look: bars with intervals, curves, and fields of numbers or colours.

matplotlib is imported where something is drawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from preroll.palette import AGENTS, BLUE, FAINT, INK, PAPER, UNKNOWN
from preroll.shown.axes import HEIGHT, WIDTH, name_ticks, picture
from preroll.shown.card import aligned

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAR, FIELD, SMALL = 0.34, 0.36, 0.15  # inches: height of a bar, of a row of a field with numbers and without
MOST_BARS = 40
MOST_NUMBERS = 150  # fields in which a number has room
MOST_STEEP = 12  # columns whose names have room side by side


@dataclass(frozen=True)
class Bar:
    """One bar: its name, its length, the ends of its interval, and its colour."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    color: str = UNKNOWN


def bars(ax: "Axes | None", rows: Sequence[Bar], *, title: str, x: str, best: float | None = None) -> "Axes":
    """Draws horizontal bars, the first at the top, with intervals and values; of too many the first ones.

    Args:
        ax: the axes to draw on; new ones by default.
        rows: the bars.
        title: title of the picture.
        x: what their lengths are.
        best: value of a dashed line that none can pass.
    """
    left, rows = len(rows) - MOST_BARS, rows[:MOST_BARS]
    title = f"{title} ({left:,} more are not shown)" if left > 0 else title
    places = np.arange(len(rows))[::-1]
    with picture(ax, title, x=x, grid="x", height=1.1 + BAR * len(rows)) as drawn:
        values = np.array([row.value for row in rows], np.float64)
        drawn.barh(places, values, height=0.7, color=[row.color for row in rows])
        ends = [(row.value if row.high is None else row.high) for row in rows]
        told = aligned(values.tolist())
        for row, place, end, number in zip(rows, places, ends, told, strict=True):
            if row.low is not None and row.high is not None:
                error = [[max(row.value - row.low, 0.0)], [max(row.high - row.value, 0.0)]]
                drawn.errorbar([row.value], [place], xerr=error, color=INK, capsize=3, linewidth=1)
            paper = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.5}  # no line strikes a number out
            drawn.annotate(
                number, (end, place), (4, 0), textcoords="offset points", va="center", fontsize=9, bbox=paper
            )
        drawn.set_yticks(places, [row.name for row in rows])
        drawn.tick_params(axis="y", length=0)
        drawn.margins(x=0.12)
        drawn.set_ylim(-0.6, max(len(rows), 1) - 0.4)
        drawn.set_xlim(left=min(0.0, *values) if len(values) else 0.0)
        if best is not None:
            drawn.axvline(best, color=FAINT, linestyle="--", linewidth=1)
    return drawn


def curve(
    ax: "Axes | None",
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    title: str,
    labels: tuple[str, str],
    name: str = "",
    best: float | None = None,
) -> "Axes":
    """Draws a curve over a logarithmic axis; axes that have one get another colour and a legend.

    Args:
        ax: the axes to draw on; new ones by default.
        x: positions.
        y: values; NaN leaves a gap.
        title: title of the picture.
        labels: of the x and of the y axis.
        name: name of the curve in a legend, numbered where another has it.
        best: value of a dashed line that none can pass.
    """
    if ax is not None and ax.lines and ax.get_title().replace("\n", " ") != title:
        title = "learning curves"  # of different things
    with picture(ax, title, x=labels[0], y=labels[1], grid="y") as drawn:
        if best is not None and not drawn.lines:
            drawn.axhline(best, color=FAINT, linestyle="--", linewidth=1, label="_best")
        taken = [label for line in drawn.lines if (label := str(line.get_label())) != "_best"]
        named = name or "curve"
        label = next(one for one in (named, *(f"{named} {n}" for n in range(2, len(taken) + 2))) if one not in taken)
        color = AGENTS[len(taken) % len(AGENTS)]
        drawn.plot(x, y, "o-" if len(x) == 1 else "-", color=color, linewidth=1.8, label=label)
        drawn.set_xscale("log")
        if name or taken:
            drawn.legend(frameon=False, fontsize=9, loc="lower right")
    return drawn


def field(
    ax: "Axes | None",
    values: NDArray[np.float64],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
) -> "Axes":
    """Draws a matrix: the larger a number the darker its field, with the number in it where there is room.

    Args:
        ax: the axes to draw on; new ones by default.
        values: float64 [rows, columns].
        rows: names of the rows.
        columns: names of the columns.
        title: title of the picture.
    """
    from matplotlib.colors import LinearSegmentedColormap

    numbers = values.size <= MOST_NUMBERS
    size = (WIDTH, 1.4 + FIELD * len(rows)) if numbers else (2 + SMALL * len(columns), 2 + SMALL * len(rows))
    with picture(ax, title, width=max(size[0], WIDTH), height=max(size[1], HEIGHT * (not numbers))) as drawn:
        colors = LinearSegmentedColormap.from_list("preroll", [PAPER, BLUE])
        most = max(float(np.nanmax(values)), 1e-300)
        drawn.imshow(values, cmap=colors, vmin=0, vmax=most, aspect="auto", interpolation="nearest")
        drawn.tick_params(length=0)
        steep = 30 if len(columns) <= MOST_STEEP else 90
        name_ticks(drawn.xaxis, columns, drawn.bbox.width, size=10 if numbers else 8, rotation=steep)
        name_ticks(drawn.yaxis, rows, drawn.bbox.height, size=10 if numbers else 8)
        if numbers:
            for ((row, column), value), told in zip(
                np.ndenumerate(values), aligned(values.ravel().tolist()), strict=True
            ):
                ink = PAPER if value > 0.6 * most else INK
                drawn.text(column, row, told, ha="center", va="center", fontsize=8, color=ink)
    return drawn


def mosaic(
    ax: "Axes | None",
    groups: Mapping[str, NDArray[np.int64]],
    *,
    colors: Sequence[str],
    names: Sequence[str],
    title: str,
    labels: tuple[str, str],
) -> "Axes":
    """Draws matrices of indices below each other, each index in its colour, with a legend of those that occur.

    Args:
        ax: the axes to draw on; new ones by default.
        groups: int64 [rows, columns] by name; the first row is the lowest.
        colors: colour of every index.
        names: name of every index.
        title: title of the picture.
        labels: of the x axis, and of the rows of a group.
    """
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Patch
    from matplotlib.ticker import MaxNLocator

    palette = np.array([to_rgb(color) for color in colors])
    stacked = np.concatenate([matrix[::-1] for matrix in groups.values()])
    sizes = [len(matrix) for matrix in groups.values()]
    starts = np.cumsum([0, *sizes])
    height = 1.3 + max(0.5, 0.14 * max(sizes)) * len(groups)
    with picture(ax, title, x=labels[0], y=labels[1], height=height) as drawn:
        extent = (0.5, stacked.shape[1] + 0.5, len(stacked) - 0.5, -0.5)
        drawn.imshow(palette[stacked], aspect="auto", interpolation="nearest", extent=extent)
        for start in starts[1:-1]:
            drawn.axhline(start - 0.5, color=PAPER, linewidth=3)
        drawn.set_yticks([start + (size - 1) / 2 for start, size in zip(starts, sizes, strict=False)], list(groups))
        drawn.tick_params(axis="y", length=0)
        drawn.xaxis.set_major_locator(MaxNLocator(integer=True))
        found: list[Any] = [Patch(color=colors[i], label=names[i]) for i in np.unique(stacked)]
        drawn.legend(handles=found, frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return drawn
