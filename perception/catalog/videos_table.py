"""The table of all videos of a catalog, ``videos.csv``, including those that were left out."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.files.manifest import Manifest

if TYPE_CHECKING:
    import pandas as pd

FILE = "videos.csv"
SPLIT, GROUP = "split", "group"
VIDEO_COLUMNS = ("index", "path", "category", "status", "reason", "coverage", "duration", "frames", "sha256")


def read_videos(files: Manifest, n_videos: int) -> "pd.DataFrame":
    """Reads the table of a catalog in a folder.

    Raises:
        PrerollError: it cannot be read, or its rows are not those of the arrays.
    """
    import pandas as pd

    path, content = files.folder / FILE, io.BytesIO(files.read_bytes(FILE))
    text = dict.fromkeys(("path", "category", "status", "reason", "sha256", SPLIT, GROUP), "str")
    types = {**text, "index": "int64", "coverage": "float64", "duration": "float64", "frames": "int64"}
    try:
        # keep_default_na=False: a video or category may be called NA or null.
        frame = pd.read_csv(content, dtype=types, keep_default_na=False, na_values={"duration": [""], "coverage": [""]})
        for name in (SPLIT, GROUP):
            if name not in frame:
                frame[name] = ""
        frame = frame[[*VIDEO_COLUMNS, SPLIT, GROUP]]
    except (ValueError, KeyError, OverflowError) as error:
        raise PrerollError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    if not np.array_equal(np.sort(frame["index"][frame["index"] != -1]), np.arange(n_videos)):
        raise PrerollError(f"{path}: column index must hold each of 0 … {n_videos - 1} once, and −1 elsewhere")
    return frame


def videos_in_memory(
    categories: Sequence[str], category: NDArray[np.integer[Any]], paths: Sequence[str] | None
) -> "pd.DataFrame":
    """Returns the table of videos that have no files; ``category`` are indices into ``categories``, −1 if unknown."""
    import pandas as pd

    columns: dict[str, Any] = {
        "index": np.arange(len(category)),
        "path": paths or [f"{categories[k] if k >= 0 else 'unknown'}/{i}" for i, k in enumerate(category)],
        "category": [categories[k] if k >= 0 else "" for k in category],
        "status": "ok",
        "reason": "",
        "coverage": 1.0,
        "duration": np.nan,
        "frames": 0,
        "sha256": "",
        SPLIT: "",
        GROUP: "",
    }
    return pd.DataFrame(columns)
