"""What a catalog shows of itself: a table, a picture and a card."""

from typing import TYPE_CHECKING

import numpy as np

from preroll.palette import category_color
from preroll.perception.catalog.arrays import OPTIONAL
from preroll.perception.catalog.catalog_arrays import CatalogArrays
from preroll.perception.catalog.manifest import SYNTHETIC
from preroll.shown import plots
from preroll.shown.card import Card

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def table(catalog: CatalogArrays, videos: "pd.DataFrame") -> "pd.DataFrame":
    """Returns one row a usable video; ``videos`` is the table of all."""
    import pandas as pd

    videos = videos.query("index >= 0").sort_values("index").set_index("index")
    given = {name: getattr(catalog, name) for name in ("memorability", "memorability_quantile")}
    told = {name: array for name, array in given.items() if array is not None}
    parts = [videos[["path", "category", "duration"]], pd.DataFrame(told, index=videos.index)]
    matrices = (
        ("probability", catalog.categories, catalog.category_probabilities),
        ("importance", catalog.classes, catalog.importance),
    )
    for prefix, names, matrix in matrices:
        if matrix is not None:
            parts.append(pd.DataFrame(matrix, index=videos.index, columns=[f"{prefix}.{name}" for name in names]))
    return pd.concat(parts, axis=1).reset_index(names="video")


def plot(catalog: CatalogArrays, ax: "Axes | None") -> "Axes":
    """Draws the number of videos of every category."""
    counts = _counts(catalog)
    places = (*range(len(catalog.categories)), -1)
    rows = [plots.Bar(name, n, color=category_color(k)) for k, (name, n) in zip(places, counts.items(), strict=False)]
    return plots.bars(ax, rows, title=f"catalog {catalog.path.name}: {catalog.n_videos:,} videos", x="videos")


def card(catalog: CatalogArrays) -> Card:
    """Returns what a catalog says of itself on one screen."""
    known = [name.replace("_", " ") for name in OPTIONAL if catalog.has(name)]
    planned = catalog.manifest.get(SYNTHETIC)
    facts = {
        "videos": catalog.n_videos,
        "made by": catalog.manifest["command"],
        "object classes": catalog.n_classes,
        **({"also knows": ", ".join(known)} if known else {}),
        **({"planted": ", ".join(f"{key} {value}" for key, value in planned.items())} if planned else {}),
    }
    return Card(f"Catalog {catalog.path}", facts, ("category", "videos"), list(_counts(catalog).items()))


def _counts(catalog: CatalogArrays) -> dict[str, int]:
    """Returns the number of videos by category; those without one stand last, if there are any."""
    counts = np.bincount(catalog.category + 1, minlength=len(catalog.categories) + 1).tolist()
    without = {"without category": counts[0]} if counts[0] else {}
    return dict(zip(catalog.categories, counts[1:], strict=True)) | without
