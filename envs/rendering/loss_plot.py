"""Heat maps of what policies lose: categories down, fatigue levels across, with the number in every field."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from preroll.palette import FAINT, INK, ORANGE, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIELD, NAMES, ABOVE, BELOW, TITLE = (0.75, 0.34), 1.7, 0.45, 0.5, 0.35  # inches: a field, and what stands around them
LONGEST = 24  # characters of a category's name in one line

#: Percent of the optimum by category: one number for every fatigue level.
LossMap = Mapping[str, Sequence[float]]


def draw_losses(maps: Mapping[str, LossMap], *, title: str) -> "Figure":
    """Draws maps of one scenario below each other, each with its title; all have the same colours.

    Args:
        maps: map by title.
        title: title of the picture.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    tables = {name: np.array(list(losses.values())) for name, losses in maps.items()}
    levels, rows = max(table.shape[1] for table in tables.values()), [len(table) for table in tables.values()]
    width = NAMES + max(levels * FIELD[0], 3.5) + 0.2
    height = TITLE + sum(ABOVE + n * FIELD[1] for n in rows) + BELOW
    figure, top = Figure(figsize=(width, height)), height - TITLE
    most = max(max(float(table.max()) for table in tables.values()), 1e-300)
    with rc_context({"text.parse_math": False}):  # a name may hold two dollars
        for (name, losses), table, n in zip(maps.items(), tables.values(), rows, strict=True):
            top -= ABOVE + n * FIELD[1]
            place = NAMES / width, top / height, levels * FIELD[0] / width, n * FIELD[1] / height
            axes = figure.add_axes(place)
            axes.set_title(name, fontsize=10, loc="left")
            _draw(axes, list(losses), table, most)
        axes.set_xlabel("fatigue level")
        figure.suptitle(title, fontsize=11, y=1 - 0.1 / height, va="top")
    return figure


def _draw(
    axes: "Axes", names: list[str], table: "np.ndarray[tuple[int, int], np.dtype[np.float64]]", most: float
) -> None:
    """Draws one map, [G, F]."""
    from matplotlib.colors import LinearSegmentedColormap

    axes.imshow(
        table, cmap=LinearSegmentedColormap.from_list("loss", [PAPER, ORANGE]), vmin=0, vmax=most, aspect="auto"
    )
    axes.set_yticks(range(len(names)), [textwrap.shorten(name, LONGEST, placeholder="…") for name in names])
    axes.set_xticks(range(table.shape[1]))
    axes.spines[:].set_color(FAINT)
    axes.tick_params(length=0)
    for (row, level), value in np.ndenumerate(table):
        axes.text(level, row, f"{value:.1f}", ha="center", va="center", fontsize=9, color=INK)
