"""A response model of the user's own in a catalog: P(view) of every ad before every video."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.catalog.arrays import Sizes, check_type, check_values
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.prediction.formats.response_table import ResponseTable, read_response_table
from preroll.shown.shown import Shown

#: Ads of one table: a scenario has no more.
MOST_ADS = 1000
#: A label that a scenario can have.
_LABEL = re.compile(r"[^\x00-\x1f*]{1,255}\.[\w-]{1,64}")


@dataclass(frozen=True, repr=False)
class Response(Shown):
    """P(view) of every ad before every usable video of a catalog.

    Attributes:
        ads: labels of the A ads, ``group.name``, sorted.
        values: float32 [N, A] in [0, 1].

    Examples:
        >>> import tempfile
        >>> import pandas as pd
        >>> from preroll.perception import Catalog
        >>> from preroll.perception.prediction import Response
        >>> catalog = Catalog.load("demo")
        >>> table = pd.DataFrame({"video": catalog.videos()["path"], "ad": "shop.long", "probability": 0.25})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     table.to_csv(Path(folder) / "predictions.csv", index=False)
        ...     response = Response.read(Path(folder) / "predictions.csv", catalog)
        >>> response.ads, response.values.shape
        (('shop.long',), (300, 1))
    """

    ads: tuple[str, ...]
    values: NDArray[np.float32]

    @classmethod
    def read(cls, file: str | Path, catalog: str | Path | Catalog) -> "Response":
        """Reads a table with the columns video, ad and probability, CSV or Parquet.

        A video is called by its path in the catalog, with or without suffix; what is said of videos that the build
        left out is passed over.

        Raises:
            PrerollError: naming the file and the first row that cannot be used, occurs twice or is missing.
        """
        file, catalog = Path(file), Catalog.load(catalog)
        table = read_response_table(file)
        ads = tuple(sorted({table.ads.distinct[number] for number in np.unique(table.ads.row)}))
        video, ad = _videos(table, catalog), _ads(table, ads)
        used = video >= 0
        pairs = video * len(ads) + ad
        order = np.flatnonzero(used)[np.argsort(pairs[used], kind="stable")]
        _check_pairs(table, pairs, order)
        if len(order) < catalog.n_videos * len(ads):
            found = pairs[order] != np.arange(len(order))
            first = int(found.argmax()) if found.any() else len(order)
            path = _paths(catalog)[first // len(ads)]
            raise PrerollError(
                f"{file}: lacks the probability of {path}, {ads[first % len(ads)]}; every pair is needed"
            )
        values = table.probability[order].reshape(catalog.n_videos, len(ads))
        return cls(ads, values.astype(np.float32))

    def checked(self, catalog: str | Path | Catalog) -> NDArray[np.float32]:
        """Returns the values.

        Raises:
            PrerollError: they do not fit the ads or the videos of ``catalog``, or are no probabilities.
        """
        if list(self.ads) != sorted(set(self.ads)) or not self.ads:
            raise PrerollError(f"--response: its ads must be sorted, at least one and each once, not {self.ads[:3]}")
        if wrong := [label for label in self.ads if not _LABEL.fullmatch(label)]:
            raise PrerollError(f"--response: ad {wrong[0]!r} must be group.name, as in a scenario")
        sizes = Sizes(Catalog.load(catalog).n_videos, 0, 0, ads=len(self.ads))
        check_type("--response", "response", self.values, "float32", sizes.shape("NA"))
        check_values("--response", "response", self.values, sizes)
        return self.values


def _check_pairs(table: ResponseTable, pairs: NDArray[np.int64], order: NDArray[np.int64]) -> None:
    again = pairs[order][1:] == pairs[order][:-1]
    if again.any():
        row = int(order[1:][again].min())
        first = int(order[pairs[order] == pairs[row]].min())
        raise table.refused(row, f"is in row {first + 1} too")


def _paths(catalog: Catalog) -> list[str]:
    table = catalog.videos()
    return [str(path) for path in table[table["index"] >= 0].sort_values("index")["path"]]


def _videos(table: ResponseTable, catalog: Catalog) -> NDArray[np.int64]:
    """Returns the catalog's row of the video of each row, −1 of one that was left out, int64 [n]."""
    listed = catalog.videos()
    rows = dict(zip(listed["path"].astype(str), listed["index"].astype(int), strict=True))
    bare: dict[str, list[int]] = {}
    for path, row in rows.items():
        bare.setdefault(PurePosixPath(path).with_suffix("").as_posix(), []).append(row)
    found = np.full(len(table.videos.distinct), -1, np.int64)
    for number in np.unique(table.videos.row):
        name = table.videos.distinct[number]
        candidates = [rows[name]] if name in rows else bare.get(name, [])
        if len(candidates) != 1:
            known = f"{len(candidates)} videos" if candidates else "no video"
            told = f"{known} of the catalog {catalog.path} {'have' if candidates else 'has'} this path"
            raise table.refused(int((table.videos.row == number).argmax()), told)
        found[number] = candidates[0]
    return found[table.videos.row]


def _ads(table: ResponseTable, ads: tuple[str, ...]) -> NDArray[np.int64]:
    """Returns the column of the ad of each row, int64 [n]."""
    column = {label: number for number, label in enumerate(ads)}
    for number, label in enumerate(table.ads.distinct):
        if label in column and not _LABEL.fullmatch(label):
            raise table.refused(
                int((table.ads.row == number).argmax()), f"ad {label!r} must be group.name, as in a scenario"
            )
    if len(ads) > MOST_ADS:
        raise PrerollError(f"{table.file}: has {len(ads):,} ads; at most {MOST_ADS:,} are taken")
    return np.array([column.get(label, -1) for label in table.ads.distinct])[table.ads.row]
