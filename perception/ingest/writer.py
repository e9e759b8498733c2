"""Writing of a catalog's folder: arrays, tables, and the manifest last."""

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.files import atomic, manifest
from preroll.files.targets import check_folder
from preroll.perception.analysis.analysis import Analysis
from preroll.perception.catalog.manifest import KIND, about_array, read_manifest_in
from preroll.perception.catalog.videos_table import GROUP, SPLIT, VIDEO_COLUMNS
from preroll.perception.decoders.detections import VideoDetections
from preroll.perception.ingest.video_folder import SourceVideo


@dataclass(frozen=True)
class VideoRow:
    """A listed video and its analysis."""

    listed: SourceVideo
    analysis: Analysis


@dataclass(frozen=True)
class Content:
    """The complete content of a catalog's folder.

    Attributes:
        rows: every video, sorted by category and path; the usable ones are the rows of the arrays, in this order.
        categories: names of the K categories that have usable videos, sorted.
        classes: names of the C object classes.
        arrays: ``category``, ``importance``, ``neighbors``, ``neighbor_scores`` and, if they exist,
            ``category_probabilities``.
        facts: further entries of the manifest.
        objects: whether the detector locates objects, so that areas and boxes are stored.
        copies: int64 [m, 2], rows of the arrays: a video, and a nearly identical one that its judge learned from.
    """

    rows: list[VideoRow]
    categories: tuple[str, ...]
    classes: tuple[str, ...]
    arrays: dict[str, NDArray[Any]]
    facts: dict[str, Any]
    objects: bool = False
    copies: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))


def write_catalog(out: Path, content: Content, command: str) -> None:
    """Writes a catalog to ``out`` atomically: if anything fails, its previous content is kept."""
    with atomic.folder(out, KIND, f"--out {out}") as folder:
        atomic.write_json(folder / "classes.json", list(content.classes))
        atomic.write_text(folder / "videos.csv", _videos_csv(content.rows))
        found = [row.analysis.found for row in content.rows if row.analysis.usable]
        arrays = {**content.arrays, **_detections(found, content.objects)}
        for name, array in arrays.items():
            atomic.save_array(folder / f"{name}.npy", array)
        facts = {
            "command": command,
            "categories": list(content.categories),
            "videos": len(content.arrays["category"]),
            **content.facts,
        }
        manifest.write(folder, KIND, facts, about=lambda name: about_array(arrays.get(name.removesuffix(".npy"))))


def check_replaceable(out: Path) -> None:
    """Checks that writing a catalog to ``out`` destroys nothing but a catalog.

    Raises:
        PrerollError: if ``out`` is a file, or a folder with a file that no catalog's manifest lists.
    """
    check_folder(out, KIND, f"--out {out}", replace=True, read=lambda folder, _: read_manifest_in(folder))


def _detections(found: list[VideoDetections], objects: bool) -> dict[str, NDArray[Any]]:
    """Returns all detections as columns; those of the video of row i are offsets[i] … offsets[i + 1]."""
    joined = VideoDetections.join(found)
    columns: dict[str, NDArray[Any]] = {
        "detections/offsets": np.cumsum([0, *(len(one.frame) for one in found)], dtype=np.int64),
        "detections/frame": joined.frame,
        "detections/class": joined.label,
        "detections/confidence": joined.confidence,
    }
    if objects:
        columns |= {"detections/area": joined.area, "detections/box": joined.box}
    return columns


def _videos_csv(rows: list[VideoRow]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    # Without splits or groups, as usually in a folder of categories, their column is omitted.
    further = [name for name in (SPLIT, GROUP) if any(getattr(row.listed, name) for row in rows)]
    table.writerow((*VIDEO_COLUMNS, *further))
    index = 0
    for row in rows:
        one = row.analysis
        number, index = (index, index + 1) if one.usable else (-1, index)
        coverage = "" if one.coverage is None else round(one.coverage, 4)
        duration = "" if one.duration is None else round(one.duration, 3)
        place = (row.listed.path, row.listed.category)
        facts = [number, *place, one.status, one.reason, coverage, duration, one.frames, one.sha256]
        table.writerow([*facts, *(getattr(row.listed, name) for name in further)])
    return text.getvalue()
