"""A picture of the optimal policy: one panel a category, slots to the right, fatigue up, colour for the best ad."""

from pathlib import Path

import numpy as np

from preroll import atomic
from preroll.envs.best_ads import best_ads
from preroll.envs.optimum import Optimum
from preroll.errors import PrerollError

# Okabe and Ito's colours, told apart with any kind of colour vision; the empty slot is grey.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
EMPTY = "#DDDDDD"


def draw_best_ads(optimum: Optimum, path: Path) -> None:
    """Writes the picture as PNG or SVG, by the ending of ``path``.

    Raises:
        PrerollError: another ending.
    """
    if path.suffix not in (".png", ".svg"):
        raise PrerollError(f"--plot: {path}: the name should end in .png or .svg")
    import io

    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    tables = optimum.tables
    spaces = tables.spaces
    chosen = best_ads(optimum)
    shown = sorted(set(np.unique(chosen).tolist()))
    colours = {ad: EMPTY if spaces.labels[ad] == "none" else COLOURS[i % len(COLOURS)] for i, ad in enumerate(shown)}
    figure = Figure(figsize=(3.4 * len(chosen) + 1.4, 3.2), layout="constrained")
    panels = figure.subplots(1, len(chosen), sharey=True, squeeze=False)[0]
    code = np.searchsorted(shown, chosen)
    colour_map = ListedColormap([colours[ad] for ad in shown])
    norm = BoundaryNorm(np.arange(len(shown) + 1) - 0.5, len(shown))
    for panel, name, grid in zip(panels, tables.catalog.categories, code, strict=True):
        panel.imshow(grid.T, origin="lower", aspect="auto", cmap=colour_map, norm=norm, interpolation="nearest")
        panel.set_title(f"before {name} videos", fontsize=10)
        panel.set_xlabel("slot")
    panels[0].set_ylabel("fatigue level")
    figure.suptitle(f"{tables.scenario.name}: the best ad, exactly", fontsize=11)
    figure.legend(
        handles=[Patch(color=colours[ad], label=spaces.labels[ad]) for ad in shown],
        loc="outside right center",
        frameon=False,
    )
    buffer = io.BytesIO()
    figure.savefig(buffer, format=path.suffix[1:], dpi=150)
    atomic.write_bytes(path, buffer.getvalue())
