"""HTML page of a catalog: one self-contained file, made from the template ``catalog.html.jinja``."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from preroll import __version__
from preroll.files import atomic
from preroll.html.template import template
from preroll.palette import BLUE, PAPER, blend
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.inspection.category_report import CategoryReport
from preroll.perception.visualization.findings import damaged, duplicates, worst_recognized
from preroll.perception.visualization.selection import Card, Sheet, sheets, shortened, shortest
from preroll.perception.visualization.thumbnails import Thumbnails, Tile, draw_thumbnails, encoded
from preroll.workers.job import Limits

LARGEST = 5_000_000  # bytes
#: As much of the page may be anything but pictures [bytes].
_LARGEST_TEXT = 2_500_000
TILE = Tile(96, 128, 4)
LONGEST_SENTENCE = 2_000
MOST_VIDEOS, MOST_LISTED, MOST_WORST, MOST_COPIES, LARGEST_MATRIX = 300, 50, 24, 24, 40
#: Bytes for the sentence on missing thumbnails, which is known last.
_SPARE = 5_000
_NONE = "There are no thumbnails: `preroll catalog page … --videos VIDEOS` draws them"
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Told:
    """What `preroll catalog show` says of a catalog.

    Attributes:
        quality: sentences on how well categories are recognised, and on neighbours.
        columns: headings of the table of categories.
        rows: the table of categories.
        report: the metrics with the confusion matrix; None if they were not measured.
    """

    quality: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    report: CategoryReport | None


@dataclass(frozen=True)
class Picture:
    """The small pictures of a video side by side: WebP as base64, and how many there are."""

    content: str
    frames: int


@dataclass(frozen=True)
class WrittenPage:
    """What was written: number of videos on the page, of them with pictures, its size [bytes], and what lacks them."""

    videos: int
    pictures: int
    size: int
    lacking: str


def write_page(
    catalog: Catalog,
    path: Path,
    told: Told,
    *,
    videos: Path | None = None,
    workers: int | None = None,
    limits: Limits | None = None,
) -> WrittenPage:
    """Writes a self-contained HTML page about a catalog; it needs no network and no other file.

    Args:
        catalog: the catalog.
        path: file to write.
        told: what is said of its quality.
        videos: the folder of videos, or the table, from which it was built; without it there are no pictures.
        workers: number of processes that draw pictures; by default one per core.
        limits: time and memory limits of each.

    Raises:
        PrerollError: there is no such folder of videos.
    """
    short = shortened(catalog)
    content = _content(short, told)
    shown, size = _fitting(short, content)
    rows = [card.row for sheet in shown for card in sheet.cards]
    drawn = draw_thumbnails(catalog, rows, videos, TILE, workers=workers, limits=limits)
    html = _page(content, shown, _pictures(drawn, LARGEST - size - _SPARE), _NONE if videos is None else drawn.lacking)
    data = html.encode()
    assert len(data) <= LARGEST, len(data)
    atomic.write_bytes(path, data)
    return WrittenPage(len(rows), len(drawn.pictures), len(data), drawn.lacking)


def _content(catalog: Catalog, told: Told) -> dict[str, Any]:
    """Returns what the page says of the catalog as a whole."""
    table = catalog.videos().map(shortest)
    worst, odd, copies = worst_recognized(catalog), damaged(table), duplicates(catalog, table)
    by_row = table[table["index"] >= 0].set_index("index")["path"]
    own = catalog.category_probabilities
    notable = [*worst[:MOST_WORST], *(int(row) for row in odd["index"][:MOST_LISTED] if row >= 0)]
    notable += [row for one in copies[:MOST_COPIES] for row in one.rows[:MOST_LISTED] if row >= 0]
    return {
        "table": table,
        "notable": list(dict.fromkeys(notable))[:MOST_VIDEOS],
        "name": catalog.path.absolute().name,
        "command": shortest(catalog.manifest["command"]),
        "videos": catalog.n_videos,
        "classes": len(catalog.classes),
        "quality": [shortest(sentence, LONGEST_SENTENCE) for sentence in told.quality],
        "columns": told.columns,
        "rows": [[*map(shortest, row)] for row in told.rows[:MOST_LISTED]],
        "categories": len(told.rows),
        "matrix": _matrix(told.report),
        "worst": [
            (row, by_row[row], catalog.categories[own[row].argmax()], own[row].max(), own[row, catalog.category[row]])
            for row in worst[:MOST_WORST]
            if own is not None
        ],
        "wrong": len(worst),
        "damaged": odd[:MOST_LISTED],
        "all_damaged": len(odd),
        "copies": copies[:MOST_COPIES],
        "all_copies": len(copies),
        "listed": MOST_LISTED,
        "version": __version__,
    }


def _matrix(report: CategoryReport | None) -> list[tuple[str, list[tuple[int, str, bool]]]] | None:
    """Returns the rows of the confusion matrix: name, and (number, colour, whether it is dark); None if too large."""
    if report is None or len(report.categories) < 2:
        return []
    if len(report.categories) > LARGEST_MATRIX:
        return None
    rows = []
    for name, line in zip(report.categories, report.confusion.tolist(), strict=True):
        shares = [number / max(sum(line), 1) for number in line]
        cells = [(n, blend(PAPER, BLUE, share), share > 0.5) for n, share in zip(line, shares, strict=True)]
        rows.append((shortest(name), cells))
    return rows


def _fitting(catalog: Catalog, content: dict[str, Any]) -> tuple[list[Sheet], int]:
    """Returns as many contact sheets as leave room for pictures, and the size of the page without them."""
    most, notable = MOST_VIDEOS, content["notable"]
    table: pd.DataFrame = content["table"]
    while True:  # with one video and names that are shortened it ends
        shown = sheets(catalog, table, notable, most)
        empty = {card.row: Picture("", TILE.frames) for sheet in shown for card in sheet.cards}
        size = len(_page(content, shown, empty, "").encode())
        if size <= _LARGEST_TEXT or most == 1:
            return shown, size
        most, notable = most // 2, notable[: len(notable) // 2]


def _pictures(drawn: Thumbnails, room: int) -> dict[int, Picture]:
    """Returns the pictures, each in the same share of the bytes that are left."""
    most = room * 3 // 4 // max(1, len(drawn.pictures)) - 4
    strips = {row: (encoded(frames, most), len(frames)) for row, frames in drawn.pictures.items()}
    return {row: Picture(base64.b64encode(data).decode(), n) for row, (data, n) in strips.items()}


def _page(content: dict[str, Any], shown: list[Sheet], pictures: dict[int, Picture], missing: str) -> str:
    """Returns the page as HTML."""
    cards: dict[int, Card] = {card.row: card for sheet in shown for card in sheet.cards}
    page = template(_HERE, "catalog.html.jinja")
    script = (_HERE / "opening.js").read_text("utf8")
    return page.render(
        **content,
        accent=BLUE,
        sheets=shown,
        cards=cards,
        pictures=pictures,
        missing=missing,
        tile=TILE,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
