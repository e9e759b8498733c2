"""Pictures that commands write: panels below each other, as PNG or SVG by name."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from preroll.envs.rendering.figure_bytes import figure_bytes
from preroll.files import atomic
from preroll.files.kinds import SVG, FileKind
from preroll.shown.axes import WIDTH
from preroll.shown.plots import BAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AROUND = 1.1  # inches: what stands above and below the bars of a panel
MOST_PANELS = 30

#: The number of bars of a panel, and what draws it.
Panel = tuple[int, "Callable[[Axes], object]"]


def stacked(panels: Sequence[Panel]) -> "Figure":
    """Draws panels of bars below each other, of too many the first ones, which the picture says."""
    from matplotlib.figure import Figure

    shown = panels[:MOST_PANELS]
    heights = [AROUND + BAR * count for count, _ in shown]
    figure = Figure(figsize=(WIDTH, sum(heights)), layout="constrained")
    places = figure.subplots(len(shown), squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
    for axes, (_, draw) in zip(places, shown, strict=True):
        draw(axes)
    if left := len(panels) - len(shown):
        figure.supxlabel(f"{left:,} more panels are not shown")
    return figure


def write_figure(figure: "Figure", path: Path, kind: FileKind) -> None:
    """Writes a figure as the kind of file that its name asks for."""
    atomic.write_bytes(path, figure_bytes(figure, "svg" if kind is SVG else "png"))
