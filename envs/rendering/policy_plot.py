"""Plot of policies: one panel per category, slots on the x axis, fatigue on the y axis, the ad shown most as colour."""

import io
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.ad_colors import ad_colors
from preroll.envs.model.tables import Tables
from preroll.envs.policies.policy_map import SEVERAL, SEVERAL_NAME, PolicyMap
from preroll.envs.rendering.figure_bytes import figure_bytes
from preroll.palette import UNKNOWN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 5  # panels per line
DPI = 100  # of a picture in a page or in TensorBoard
LONGEST = 12  # characters in a line of the title of a row
# Inches; matplotlib's own layout takes longer than the drawing.
WIDTH, GAP, LEVEL, FEWEST = 3.3, 0.15, 0.24, 3  # of panels: width, distance, height of a fatigue level, levels at least
TEXT, TICKS, TITLE, AXIS = 0.17, 0.35, 0.32, 0.5  # a line of text; what stands left of, above and below the panels
MARK, CHARACTER, LINE = 0.6, 0.07, 0.22  # of the legend: widths, height of a line


def policy_png(tables: Tables, policy_map: PolicyMap) -> bytes:
    """Draws one map as PNG, with panels below each other: narrow enough for a phone."""
    from PIL import Image

    content = figure_bytes(draw_policies(tables, {"": policy_map}, columns=1), "png", dpi=DPI)
    # Half of the size; this method keeps the colours of areas as they are.
    image = Image.open(io.BytesIO(content)).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE)
    memory = io.BytesIO()
    image.save(memory, "PNG", optimize=True)
    return memory.getvalue()


def draw_policies(
    tables: Tables, maps: Mapping[str, PolicyMap], *, title: str = "", columns: int = COLUMNS
) -> "Figure":
    """Draws maps of one scenario, each in a row of panels with a title, such as that of a phase.

    Args:
        tables: the tables of the maps.
        maps: map by title.
        title: title of the picture.
        columns: largest number of panels in a line.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    n_panels = max(map(len, maps.values()))
    columns = min(columns, n_panels)
    lines = -(-n_panels // columns)
    shown = np.unique(np.concatenate([ads.ravel() for chosen in maps.values() for ads in chosen.values()]))
    labels = [_label(tables, name) for name in maps]
    left = TICKS + TEXT * max(len(label.splitlines()) for label in labels)
    figure = Figure(figsize=(left + columns * (WIDTH + GAP), 1))  # the height is set below
    with rc_context({"text.parse_math": False}):  # a name may hold two dollars
        bottom = AXIS + LINE * _add_legend(figure, tables, shown.tolist())
        panels = _add_panels(figure, (len(maps) * lines, columns), tables, left, bottom, 1.2 * LINE * bool(title))
        for row, label, chosen in zip(panels.reshape(len(maps), lines, columns), labels, maps.values(), strict=True):
            _draw_row(row, tables, label, chosen)
        if title:
            figure.suptitle(title, fontsize=11)
    return figure


def _label(tables: Tables, title: str) -> str:
    """Returns the text beside a row of panels."""
    return "\n".join([*textwrap.wrap(title, LONGEST), *(["fatigue level"] if tables.n_levels > 1 else [])])


def _add_legend(figure: "Figure", tables: Tables, shown: list[int]) -> int:
    """Adds the ads that are shown, below the panels, and returns the number of lines."""
    from matplotlib.patches import Patch

    colors, labels = (*ad_colors(tables.spec), UNKNOWN), (*tables.spec.labels, SEVERAL_NAME)
    fitting = max(int(figure.get_figwidth() / (MARK + CHARACTER * max(len(labels[ad]) for ad in shown))), 1)
    lines = -(-len(shown) // fitting)
    handles = [Patch(color=colors[ad], label=labels[ad]) for ad in (*tables.spec.listed, SEVERAL) if ad in shown]
    columns = -(-len(shown) // lines)  # lines of about the same length
    figure.legend(handles=handles, loc="lower center", frameon=False, fontsize=9, ncols=columns, borderpad=0)
    return lines


def _add_panels(
    figure: "Figure", shape: tuple[int, int], tables: Tables, left: float, bottom: float, top: float
) -> NDArray[np.object_]:
    """Adds panels [lines, columns] and sets the height of the figure; margins in inches."""
    width, panel = figure.get_figwidth(), LEVEL * max(tables.n_levels, FEWEST)
    height = bottom + shape[0] * (TITLE + panel) + top
    figure.set_size_inches(width, height)
    figure.subplots_adjust(
        left / width, bottom / height, 1 - GAP / width, 1 - (TITLE + top) / height, GAP / WIDTH, TITLE / panel
    )
    panels: NDArray[np.object_] = figure.subplots(*shape, sharex=True, sharey=True, squeeze=False)
    for axes in panels[-1]:
        axes.set_xlabel("slot")
    return panels


def _draw_row(row: NDArray[np.object_], tables: Tables, label: str, chosen: PolicyMap) -> None:
    """Draws one map on panels [lines, columns]."""
    for panel in row.ravel()[len(chosen) :]:
        panel.set_axis_off()
    for panel, (name, ads) in zip(row.ravel(), chosen.items(), strict=False):
        panel.set_title(f"before {name} videos", fontsize=10)
        _draw_panel(panel, tables, ads)
    for panel in row[:, 0]:
        panel.set_ylabel(label)


def _draw_panel(panel: "Axes", tables: Tables, ads: NDArray[np.int64]) -> None:
    """Draws the ads of one category, int64 [T, F]."""
    from matplotlib.colors import to_rgb
    from matplotlib.ticker import MaxNLocator

    colors = np.array([to_rgb(color) for color in (*ad_colors(tables.spec), UNKNOWN)])
    extent = (0.5, tables.n_slots + 0.5, -0.5, tables.n_levels - 0.5)
    panel.imshow(colors[ads.T], origin="lower", aspect="auto", interpolation="nearest", extent=extent)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.set_yticks(range(tables.n_levels) if tables.n_levels > 1 else [])
