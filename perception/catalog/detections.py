"""The detections of a catalog: one file for each column, and where the rows of every video begin."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.files.manifest import Manifest
from preroll.perception.catalog import arrays as checked
from preroll.perception.catalog.arrays import DETECTIONS, Sizes

if TYPE_CHECKING:
    import pandas as pd

Columns = dict[str, NDArray[Any]]


def read_detections(files: Manifest, told: str, sizes: Sizes) -> Columns:
    """Reads all columns, memory-mapped; ``told`` names the catalog.

    Raises:
        PrerollError: one is missing, or is not what it must be.
    """
    names = [name for name in DETECTIONS if f"detections/{name}.npy" in files.files]
    if missing := [name for name in list(DETECTIONS)[:4] if name not in names]:
        raise PrerollError(f"{told}: it lacks detections/{missing[0]}.npy")
    columns = {name: checked.read(files, f"detections/{name}.npy") for name in names}
    sizes = replace(sizes, detections=columns["frame"].size)
    for name, array in columns.items():
        kind, axes = DETECTIONS[name]
        checked.check_type(told, f"detections/{name}", array, kind, sizes.shape(axes))
    checked.check_detections(told, columns, sizes.classes)
    return columns


def detections_of(columns: Columns, video: int, classes: Sequence[str], manifest: Mapping[str, Any]) -> "pd.DataFrame":
    """Returns the table of the detections in one video."""
    import pandas as pd

    rows = slice(int(columns["offsets"][video]), int(columns["offsets"][video + 1]))
    table = {
        "frame": columns["frame"][rows] + 1,
        "time": (columns["frame"][rows] / manifest.get("frames_per_second", 3)).round(3),
        "class": [classes[c] for c in columns["class"][rows]],
        "confidence": np.array(columns["confidence"][rows]),
    }
    if "area" in columns:
        table["area"] = np.array(columns["area"][rows])
        table |= dict(zip(("x0", "y0", "x1", "y1"), columns["box"][rows].T, strict=True))
    return pd.DataFrame(table)
