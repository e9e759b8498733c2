"""Export of a catalog's tables as CSV files for spreadsheets."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from preroll.files.targets import new_folder
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.video.decoding import FRAMES_PER_SECOND

_BOXES = ("area", "x0", "y0", "x1", "y1")
# Spreadsheets interpret text with these prefixes as a formula, and file names are untrusted.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export_tables(catalog: Catalog, out: Path) -> dict[str, int]:
    """Writes the tables of a catalog as CSV files, UTF-8 with a byte order mark.

    They are videos.csv, importance.csv, neighbors.csv and, if the catalog has the data, categories.csv and
    detections.csv.

    Args:
        catalog: the catalog.
        out: a new or empty folder.

    Returns:
        The number of rows of each file.

    Raises:
        PrerollError: if the folder is not empty, or is a file.
    """
    with new_folder(out, f"--csv {out}") as folder:
        return {f"{name}.csv": _write(folder / f"{name}.csv", *table) for name, table in _tables(catalog).items()}


def _tables(catalog: Catalog) -> dict[str, tuple[list[str], Iterable[Iterable[object]]]]:
    """Returns heading and rows of every table."""
    videos = catalog.videos()
    usable = videos[videos["index"] >= 0].sort_values("index")
    paths, categories = list(usable["path"]), list(usable["category"])
    tables: dict[str, tuple[list[str], Iterable[Iterable[object]]]] = {
        "videos": (list(videos.columns), videos.itertuples(index=False, name=None)),
        "importance": (["path", "category", *catalog.classes], _vectors(catalog.importance, paths, categories)),
        "neighbors": (["path", "rank", "neighbor", "score"], _neighbors(catalog, paths)),
    }
    if catalog.category_probabilities is not None:
        heading = ["path", "category", *catalog.categories]
        tables["categories"] = (heading, _vectors(catalog.category_probabilities, paths, categories))
    if catalog.has("detections/offsets"):
        boxes = _BOXES if "area" in catalog.detection_columns else ()
        tables["detections"] = (["path", "frame", "time", "class", "confidence", *boxes], _detections(catalog, paths))
    return tables


def _write(path: Path, heading: list[str], rows: Iterable[Iterable[object]]) -> int:
    count = 0
    # The byte order mark lets spreadsheets recognise UTF-8.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow([_cell(name) for name in heading])
        for row in rows:
            table.writerow([_cell(value) for value in row])
            count += 1
    return count


def _cell(value: object) -> object:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, np.floating | float):
        return "" if np.isnan(value) else f"{value:.6g}"
    return value


def _vectors(array: "np.ndarray", paths: list[str], categories: list[str]) -> Iterator[list[object]]:
    for i, (path, category) in enumerate(zip(paths, categories, strict=True)):
        yield [path, category, *array[i]]


def _neighbors(catalog: Catalog, paths: list[str]) -> Iterator[list[object]]:
    for i, path in enumerate(paths):
        for rank, (other, score) in enumerate(zip(catalog.neighbors[i], catalog.neighbor_scores[i], strict=True), 1):
            if other >= 0:
                yield [path, rank, paths[other], score]


def _detections(catalog: Catalog, paths: list[str]) -> Iterator[list[object]]:
    columns = catalog.detection_columns
    offsets = columns["offsets"]
    for i, path in enumerate(paths):
        rows = slice(int(offsets[i]), int(offsets[i + 1]))
        parts = [columns["frame"][rows] + 1, columns["class"][rows], columns["confidence"][rows]]
        if "area" in columns:
            parts += [columns["area"][rows], *columns["box"][rows].T]
        for frame, label, *rest in zip(*parts, strict=True):
            yield [path, int(frame), (int(frame) - 1) / FRAMES_PER_SECOND, catalog.classes[label], *rest]
