"""A catalog of clips whose every frame is known, some of which are gone, changed, damaged or there twice."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from preroll.files.hashing import sha256_of
from preroll.perception.catalog.catalog import Catalog
from tests.conftest import make_catalog

#: Of the quarters of every clip.
COLORS = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 200)]
GONE, CHANGED, TWINS = 5, 4, (0, 1)


@dataclass(frozen=True)
class Scene:
    """A catalog, whose rows 0 … 5 have clips of four seconds, and the folder of its videos."""

    catalog: Catalog
    videos: Path

    def with_paths(self, paths: dict[int, str]) -> "Scene":
        """The same, with other paths of some rows."""
        table: Any = self.catalog.videos()
        for row, path in paths.items():
            table.loc[table["index"] == row, "path"] = path
        return Scene(with_table(self.catalog, table), self.videos)


def with_table(catalog: Catalog, table: pd.DataFrame) -> Catalog:
    """The catalog with another table of its videos."""
    other = Catalog(catalog.path, catalog.manifest, None, catalog._arrays)
    other.__dict__.update({"classes": catalog.classes, "videos": lambda: table.copy()})
    return other


@pytest.fixture(scope="session")
def scene(make_clip: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Row 4 has changed since, row 5 is gone; 0 and 1 are one file in two categories; two videos were left out."""
    videos = tmp_path_factory.mktemp("scene") / "videos"
    catalog = make_catalog()
    table: Any = catalog.videos()
    for row in range(6):
        clip = videos / f"{table['path'][row]}.mp4"
        make_clip(clip, [color for color in COLORS for _ in range(10)], size=(128, 96 + 16 * max(row, 1)))
        table.loc[row, "path"] += ".mp4"
        table.loc[row, ["sha256", "duration", "frames"]] = [sha256_of(clip), 4.0, 12]
    (videos / table["path"][GONE]).unlink()
    (videos / table["path"][CHANGED]).write_bytes((videos / table["path"][3]).read_bytes())
    table.loc[2, ["status", "reason"]] = ["partial", "decoding stopped after 4.0 of 9.0 s: Invalid data"]
    left_out = {"index": -1, "category": "cats", "status": "unreadable", "reason": "no <b>"}
    more = [{**table.iloc[9], **left_out, "path": path} for path in ("cats/story.mp4", "cats/empty.mp4")]
    table = pd.concat([table, pd.DataFrame(more)], ignore_index=True)
    return Scene(with_table(catalog, table), videos)
