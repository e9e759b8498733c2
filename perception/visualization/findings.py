"""What in a catalog deserves a look: videos recognised worst, damaged ones, and ones that are there twice."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from preroll.perception.catalog.catalog import SPLIT, Catalog
from preroll.perception.features.categories import TRAIN, category_folds
from preroll.perception.features.folds import near_copies


@dataclass(frozen=True)
class Copies:
    """Videos that are there more than once.

    Attributes:
        paths: theirs.
        rows: their rows in the arrays; −1 for one that was left out.
        how: in what they are equal.
    """

    paths: list[str]
    rows: list[int]
    how: str


def worst_recognized(catalog: Catalog) -> list[int]:
    """Returns the videos whose category is not the most probable one, that of the least probable category first."""
    probabilities = catalog.category_probabilities
    if probabilities is None:
        return []
    own = probabilities[np.arange(catalog.n_videos), catalog.category]
    wrong = np.flatnonzero((catalog.category >= 0) & (probabilities.argmax(1) != catalog.category))
    return [int(row) for row in wrong[np.argsort(own[wrong], kind="stable")]]


def damaged(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of the table of videos that were left out or seen in part."""
    return table[table["status"] != "ok"]


def duplicates(catalog: Catalog, table: pd.DataFrame) -> list[Copies]:
    """Returns files with the same content, and videos that a build warns of as nearly equal to what it learned from.

    Args:
        catalog: the catalog.
        table: of its videos.
    """
    same = table[(table["sha256"] != "") & table.duplicated("sha256", keep=False)]
    found = []
    for _, group in same.groupby("sha256", sort=False):
        apart = " in different categories" if group["category"].nunique() > 1 else ""
        found.append(Copies(list(group["path"]), list(group["index"]), f"the same file{apart}"))
    usable = table[table["index"] >= 0].set_index("index")
    paths, hashes = usable["path"], usable["sha256"]
    for one, other in _near_pairs(catalog, table):
        if not hashes[one] or hashes[one] != hashes[other]:
            found.append(Copies([paths[one], paths[other]], [one, other], "nearly equal objects"))
    return found


def _near_pairs(catalog: Catalog, table: pd.DataFrame) -> list[tuple[int, int]]:
    """Returns the pairs that the build of the catalog has found, by the same folds."""
    if not len(catalog.category) or (catalog.category < 0).any():
        return []
    split = table[table["index"] >= 0].sort_values("index")[SPLIT]
    train = np.asarray(split == TRAIN)
    taught = train if train.any() and not train.all() else None
    folds = category_folds(catalog.category, len(catalog.categories), train=taught, groups=catalog.groups)
    pairs = near_copies(catalog.importance, folds or [])
    return list(dict.fromkeys((min(pair), max(pair)) for pair in pairs.tolist()))
