"""Plot of the optimal policy: one panel per category, slots on the x axis, fatigue on the y axis, best ad as colour."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll import atomic
from preroll.envs.model.tables import Tables
from preroll.envs.optimum.optimum import Optimum
from preroll.envs.optimum.policy_summary import best_ads
from preroll.errors import PrerollError

# Okabe and Ito's palette, safe for all forms of colour vision; the empty slot is grey.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
EMPTY = "#DDDDDD"
COLUMNS = 5  # panels per line
LEGEND = 12  # entries per column of the legend


def check_ending(path: Path) -> None:
    """Raises :class:`PrerollError` unless ``path`` has the ending of a supported image format."""
    if path.suffix not in (".png", ".svg"):
        raise PrerollError(f"--plot: {path}: the name should end in .png or .svg")


def draw_best_ads(tables: Tables, path: Path) -> None:
    """Writes the plot as PNG or SVG, by the ending of ``path``, with one row per phase of drift and segment.

    Raises:
        PrerollError: If the ending is another one.
    """
    check_ending(path)
    import io

    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    spec = tables.spec
    rows = [
        (_title(tables, phase, segment), best_ads(optimum, segment))
        for phase, optimum in enumerate(Optimum(tables, phase) for phase in range(tables.n_phases))
        for segment in range(tables.n_segments)
    ]
    shown = sorted({ad for _, chosen in rows for ads in chosen.values() for ad in np.unique(ads).tolist()})
    colors = dict(zip(shown, ad_colors([spec.labels[ad] for ad in shown]), strict=True))
    n_columns = min(len(rows[0][1]), COLUMNS)
    n_lines = -(-len(rows[0][1]) // n_columns)
    height = 0.9 + len(rows) * n_lines * (2.3 if tables.n_levels > 1 else 1.1)
    figure = Figure(figsize=(3.4 * n_columns + 1.4, height), layout="constrained")
    grid = figure.subplots(len(rows) * n_lines, n_columns, sharex=True, sharey=True, squeeze=False)
    for panels, (title, chosen) in zip(grid.reshape(len(rows), n_lines, n_columns), rows, strict=True):
        codes = {name: np.searchsorted(shown, ads) for name, ads in chosen.items()}
        _draw_row(panels, tables, title, codes, [colors[ad] for ad in shown])
    for panel in grid[-1]:
        panel.set_xlabel("slot")
    figure.suptitle(f"{tables.scenario.name}: the best ad, exactly", fontsize=11)
    handles = [Patch(color=colors[ad], label=spec.labels[ad]) for ad in shown]
    figure.legend(handles=handles, loc="outside right center", frameon=False, ncols=-(-len(handles) // LEGEND))
    buffer = io.BytesIO()
    figure.savefig(buffer, format=path.suffix[1:], dpi=150)
    atomic.write_bytes(path, buffer.getvalue())


def ad_colors(labels: list[str]) -> list[str]:
    """Returns a distinct colour for every ad; "none" is grey. With more ads than the palette, a rainbow is used."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    ads = [label for label in labels if label != "none"]
    rainbow = [to_hex(color) for color in colormaps["turbo"](np.linspace(0.05, 0.95, len(ads)))]
    chosen = dict(zip(ads, COLORS if len(ads) <= len(COLORS) else rainbow, strict=False))
    return [chosen.get(label, EMPTY) for label in labels]


def _title(tables: Tables, phase: int, segment: int) -> str:
    """Returns the title of a row of panels; empty if there is only one."""
    parts = []
    if tables.n_phases > 1:
        parts.append(f"from session {tables.arrays.phase_start[phase]:,}")
    if tables.n_segments > 1:
        parts.append(f"{tables.scenario.user.segments[segment].name} users")
    return ", ".join(parts)


def _draw_row(
    panels: NDArray[np.object_], tables: Tables, title: str, codes: dict[str, NDArray[np.intp]], colors: list[str]
) -> None:
    """Draws one panel per category on panels [lines, columns]; the category's code, int [T, F], indexes ``colors``."""
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.ticker import MaxNLocator

    norm = BoundaryNorm(np.arange(len(colors) + 1) - 0.5, len(colors))
    for panel in panels.ravel()[len(codes) :]:
        panel.set_axis_off()
    for panel, (name, code) in zip(panels.ravel(), codes.items(), strict=False):
        extent = (0.5, tables.n_slots + 0.5, -0.5, tables.n_levels - 0.5)
        panel.imshow(
            code.T,
            origin="lower",
            aspect="auto",
            cmap=ListedColormap(colors),
            norm=norm,
            interpolation="nearest",
            extent=extent,
        )
        panel.set_title(f"before {name} videos", fontsize=10)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.set_yticks(range(tables.n_levels) if tables.n_levels > 1 else [])
    for panel in panels[:, 0]:
        panel.set_ylabel("\n".join(part for part in (title, "fatigue level" if tables.n_levels > 1 else "") if part))
