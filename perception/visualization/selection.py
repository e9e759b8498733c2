"""What the page shows of each video, and which videos it shows of a large catalog."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from preroll.perception.catalog.catalog import Catalog
from preroll.perception.inspection.lookup import in_common

OBJECTS, CATEGORIES = 8, 5
#: Characters of a name.
LONGEST = 400


@dataclass(frozen=True)
class Neighbor:
    """A similar video: its row, path, cosine, and the classes that both show."""

    row: int
    path: str
    score: float
    common: str


@dataclass(frozen=True)
class Card:
    """A video of the page.

    Attributes:
        row: its row in the arrays.
        path: its path in the catalog.
        facts: a line about its file.
        objects: classes and their importance, the largest first.
        others: number of further classes with importance.
        predicted: categories and their probabilities, the largest first; empty if they were not predicted.
        neighbors: the most similar videos.
    """

    row: int
    path: str
    facts: str
    objects: list[tuple[str, float]]
    others: int
    predicted: list[tuple[str, float]]
    neighbors: list[Neighbor]

    @property
    def name(self) -> str:
        """The path without its folders."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Sheet:
    """The contact sheet of a category: its name, how many videos it has, and those that are shown."""

    name: str
    videos: int
    cards: list[Card]


def shortest(value: Any, most: int = LONGEST) -> Any:
    """Returns a text of more characters than ``most`` without its middle, and anything else as it is."""
    if not isinstance(value, str) or len(value) <= most:
        return value
    return f"{value[: most // 2]}…{value[-most // 2 :]}"


def shortened(catalog: Catalog) -> Catalog:
    """Returns a catalog whose categories and classes have names that fit on a page."""
    short = copy(catalog)
    short.categories = tuple(map(shortest, catalog.categories))
    short.__dict__["classes"] = tuple(map(shortest, catalog.classes))
    return short


def sheets(catalog: Catalog, table: pd.DataFrame, notable: Sequence[int], most: int) -> list[Sheet]:
    """Returns a contact sheet of every category that has a video on the page.

    Args:
        catalog: the catalog.
        table: of its videos.
        notable: rows that are shown in any case.
        most: number of other videos; of each category those that are evenly spread over its rows.
    """
    of = [np.flatnonzero(catalog.category == k) for k in range(-1, len(catalog.categories))]
    largest = sorted(range(len(of)), key=lambda i: -len(of[i]))[:most]
    share = max(1, most // max(1, sum(len(of[i]) > 0 for i in largest)))
    by_row = table[table["index"] >= 0].set_index("index").sort_index()
    found = []
    for i, rows in enumerate(of):
        chosen = set(_spread(rows, share) if i in largest else ()) | set(notable) & set(rows.tolist())
        if chosen:
            name = catalog.categories[i - 1] if i else "of unknown category"
            found.append(Sheet(name, len(rows), [_card(catalog, by_row, row) for row in sorted(chosen)]))
    return found


def _spread(rows: np.ndarray, most: int) -> list[int]:
    places = np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int)
    return [int(row) for row in rows[places]]


def _card(catalog: Catalog, table: pd.DataFrame, row: int) -> Card:
    shown = catalog.importance[row]
    order = np.argsort(-shown, kind="stable")[: np.count_nonzero(shown)]
    probabilities = catalog.category_probabilities
    chances = np.empty(0) if probabilities is None else probabilities[row]
    near = zip(catalog.neighbors[row], catalog.neighbor_scores[row], strict=True)
    return Card(
        row=row,
        path=table["path"][row],
        facts=_facts(table.loc[row].to_dict()),
        objects=[(catalog.classes[c], float(shown[c])) for c in order[:OBJECTS]],
        others=max(0, len(order) - OBJECTS),
        predicted=[
            (catalog.categories[k], float(chances[k])) for k in np.argsort(-chances, kind="stable")[:CATEGORIES]
        ],
        neighbors=[
            Neighbor(int(other), table["path"][other], float(score), in_common(catalog, row, int(other)))
            for other, score in near
            if other >= 0
        ],
    )


def _facts(video: dict[Any, Any]) -> str:
    told = [f"{video['duration']:.1f} s"] if np.isfinite(video["duration"]) else []
    told += [f"{video['frames']:,} frames sampled"] if video["frames"] else []
    told += [f"{key} {video[key]}" for key in ("split", "group") if video[key]]
    told += [f"{video['status']}: {video['reason']}"] if video["status"] != "ok" else []
    return "; ".join(told)
