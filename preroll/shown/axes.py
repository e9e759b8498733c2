"""Axes of pictures, all with one look: title, grid, numbers and names.

Whoever gives no axes gets new ones of pyplot, as notebooks and ``pyplot.show()`` expect.
"""

import math
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from preroll.palette import AGENTS, GRID

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

#: The axes whose values have lines.
Grid = Literal["x", "y", "both"]

WIDTH, HEIGHT = 6.4, 3.8  # inches
LARGEST = 30  # inches: of a side, however much there is to draw
TITLE = 60  # letters in a line of a title
POINTS, SPACED = 72, 1.04  # points of an inch; distance of names along an axis as a share of their size
DECADES = 2.5  # of an axis that has room for three labels in each


@contextmanager
def picture(
    ax: "Axes | None",
    title: str,
    *,
    x: str = "",
    y: str = "",
    grid: Grid | None = None,
    width: float = WIDTH,
    height: float = HEIGHT,
) -> Iterator["Axes"]:
    """Yields axes with the common look, new ones where none are given.

    Args:
        ax: the axes to draw on.
        title: title of the picture.
        x: label of the x axis.
        y: label of the y axis.
        grid: the axis whose values have lines; none by default.
        width: width of new axes [inches], at most :data:`LARGEST`.
        height: height of new axes [inches], at most :data:`LARGEST`.
    """
    from matplotlib import rc_context

    with rc_context({"text.parse_math": False}):  # a name may hold two dollars
        if ax is None:
            from matplotlib import pyplot

            _, ax = pyplot.subplots(figsize=(min(width, LARGEST), min(height, LARGEST)), layout="constrained")
            ax.set_prop_cycle(color=AGENTS)
        for axis in (ax.xaxis, ax.yaxis):
            axis.reset_ticks()  # so that they are made here; title and labels were made before
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_axisbelow(True)
        # A picture of the usual width has room for so many letters: what a long title loses would be its end.
        ax.set_title(textwrap.fill(title, TITLE), fontsize=11, parse_math=False)
        ax.set_xlabel(textwrap.fill(x, TITLE), parse_math=False)
        ax.set_ylabel(y, parse_math=False)
        if grid:
            ax.grid(axis=grid, color=GRID, linewidth=0.8)
        yield ax
        for axis in (ax.xaxis, ax.yaxis):
            _plain_numbers(axis)


def _plain_numbers(axis: "Axis") -> None:
    """Writes the numbers of an axis in full below 10,000, and nothing beside an axis to be added to all of them."""
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    if axis.get_scale() == "log":
        low, high = axis.get_view_interval()
        subs = (1.0, 2.0, 5.0) if high < low * 10**DECADES else (1.0,)
        axis.set_major_locator(LogLocator(subs=subs))
        axis.set_major_formatter(lambda x, _: f"{x:,.0f}" if x >= 1 else f"{x:g}")
        axis.set_minor_formatter(NullFormatter())
    elif isinstance(formatter := axis.get_major_formatter(), ScalarFormatter):
        formatter.set_useOffset(False)
        formatter.set_powerlimits((-4, 5))


def name_ticks(axis: "Axis", names: Sequence[str], pixels: float, *, size: float, rotation: float = 0) -> None:
    """Writes names along an axis; where there is no room for all, every second, third, … one.

    Args:
        axis: the axis, whose positions are 0, 1, 2, …
        names: name of every position.
        pixels: length of the axis.
        size: size of the font [points].
        rotation: angle of the names [degrees].
    """
    step = math.ceil(len(names) * SPACED * size / POINTS * axis.figure.dpi / pixels)
    anchor: dict[str, Any] = {"rotation_mode": "anchor", "ha": "right"} if 0 < rotation < 90 else {}
    axis.set_ticks(range(0, len(names), step), list(names[::step]), size=size, rotation=rotation, **anchor)
