"""What in a catalog deserves a look: videos recognised worst, damaged ones, and ones that are there twice."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from preroll.console.plural import percent
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.inspection.duplicates import near_duplicates


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
    """Returns files with the same content, and other videos that show the same at the same times.

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
    near = near_duplicates(catalog, table)
    for one, other in sorted(near, key=lambda pair: (near[pair], pair)):
        if not hashes[one] or hashes[one] != hashes[other]:
            how = f"the same by {near[one, other].by}, but for {percent(near[one, other].difference)}"
            found.append(Copies([paths[one], paths[other]], [one, other], how))
    return found
