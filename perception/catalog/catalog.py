"""The catalog: what perception computed about the videos, read from a folder of memory-mapped arrays.

Opening reads the manifest and the headers of the arrays. An array is read as a whole when it is first used: its hash is
compared, once for every process and state of the file, and every value checked. This module depends only on NumPy and
the standard library, so that environments can open a catalog without a detector, a decoder or pandas.
"""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.files import manifest as manifests
from preroll.files.manifest import Manifest
from preroll.files.sealed import DamagedError
from preroll.files.targets import reserved
from preroll.palette import category_color
from preroll.perception.catalog import arrays as checked
from preroll.perception.catalog.arrays import ARRAYS, DETECTIONS, Sizes
from preroll.perception.catalog.arrays import NEIGHBORS as NEIGHBORS
from preroll.perception.catalog.manifest import KIND, RESPONSE_ADS, about_array, identity, read_manifest
from preroll.perception.catalog.synthetic import listed, planted
from preroll.perception.catalog.video_list import read_list
from preroll.shown import plots
from preroll.shown.card import Card
from preroll.shown.shown import ShownTable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

DEMO = "demo"
#: Optional arrays that a catalog in memory may be given.
OPTIONAL = (
    "category_probabilities",
    "memorability",
    "memorability_quantile",
    "embedding",
    "embedding_reduced",
    "response",
)
#: Hashes, names and sizes of arrays whose values this process has checked.
_SOUND: set[tuple[str, str, Sizes]] = set()
VIDEO_COLUMNS = ("index", "path", "category", "status", "reason", "coverage", "duration", "frames", "sha256")
SPLIT, GROUP = "split", "group"
#: Key of the manifest of a catalog without videos: how its content was planted.
SYNTHETIC = "synthetic"


class Catalog(ShownTable):
    """The usable videos of a platform: N videos of K categories, with importances over C object classes.

    Attributes:
        path: the folder it was opened from; the given name if it exists only in memory.
        manifest: the content of ``manifest.json``.
        categories: the K category names, sorted.
        category: int16 [N], the true category of each video as an index into ``categories``; −1 if it is unknown, in
            which case users respond to ``category_probabilities``.
        importance: float32 [N, C] in [0, 1]: the mean over a video's sampled frames of the largest confidence with
            which the class was detected in the frame.
        category_probabilities: float32 [N, K], each row predicted by a model fitted without that video; None if a
            category has fewer than two videos.
        neighbors: int32 [N, 10], the most similar other videos, best first, padded with −1.
        neighbor_scores: float32 [N, 10], their cosine similarities, 0 where padded.
        memorability: float32 [N] in [0, 1], the probability that a viewer truly remembers the video; None if it was not
            measured.
        memorability_quantile: float32 [N] in [0, 1], the share of videos that are predicted to be less memorable, by a
            model fitted without the video; None if there is no prediction.
        embedding: float16 [N, D], the mean of an encoder's vectors of a video's frames, scaled to length 1; None if the
            catalog was built without.
        embedding_reduced: float32 [N, E] in [0, 1], its principal components, scaled by ``embedding_limits``.
        response: float32 [N, A] in [0, 1], P(view) of every ad before every video, by a model of the user's own; None
            if it was not given.
        response_ads: labels of the A ads of ``response``, ``group.name``, sorted; () without it.

    Examples:
        >>> from preroll.perception import Catalog
        >>> catalog = Catalog.load("demo")
        >>> catalog.n_videos, catalog.categories
        (300, ('cars', 'cats', 'concerts'))
        >>> catalog.importance.shape == (catalog.n_videos, len(catalog.classes))
        True
        >>> catalog.neighbors[0, :3].tolist()  # the three videos most similar to video 0
        [49, 54, 4]
        >>> sorted(set(catalog.detections(0)["class"]))
        ['car', 'chair', 'tree']
    """

    def __init__(
        self, path: Path, manifest: dict[str, Any], files: Manifest | None, arrays: dict[str, NDArray[Any]]
    ) -> None:
        self.path = path
        self.manifest = manifest
        self.categories: tuple[str, ...] = tuple(manifest["categories"])
        self._files = files
        self._arrays = arrays
        self._paths: Sequence[str] | None = None
        self._check_types()

    @classmethod
    def load(cls, name_or_path: "str | Path | Catalog" = DEMO) -> "Catalog":
        """Opens the packaged catalog ``"demo"`` or the catalog in a folder, memory-mapped; returns a catalog unchanged.

        A folder that is itself called ``demo`` is ``Path("demo")``, or ``"./demo"``.

        Raises:
            PrerollError: if the folder or the manifest is missing, is damaged or of an unknown version, or the shape or
                type of an array differs from the manifest.
        """
        if isinstance(name_or_path, Catalog):
            return name_or_path
        folder = cls.folder(name_or_path)
        files = read_manifest(folder)
        return cls(folder, dict(files.content), files, {})

    @staticmethod
    def folder(name_or_path: str | Path) -> Path:
        """Returns the folder of ``"demo"``, or that of a path."""
        return Path(__file__).parent / "demo" if name_or_path == DEMO else Path(name_or_path)

    @classmethod
    def from_arrays(
        cls,
        *,
        categories: Sequence[str],
        category: ArrayLike,
        neighbors: ArrayLike,
        importance: ArrayLike,
        classes: Sequence[str],
        neighbor_scores: ArrayLike | None = None,
        category_probabilities: ArrayLike | None = None,
        memorability: ArrayLike | None = None,
        memorability_quantile: ArrayLike | None = None,
        embedding: ArrayLike | None = None,
        embedding_reduced: ArrayLike | None = None,
        response: ArrayLike | None = None,
        response_ads: Sequence[str] = (),
        paths: Sequence[str] | None = None,
        name: str = "memory",
    ) -> "Catalog":
        """Creates a catalog in memory, with the same checks as one on disk.

        Args:
            categories: K names, sorted.
            category: [N] indices into ``categories``; −1 if unknown, which requires ``category_probabilities``.
            neighbors: [N, 10] indices of videos, padded with −1.
            importance: [N, C] in [0, 1].
            classes: C names of object classes.
            neighbor_scores: [N, 10]; by default 1 for every neighbour and 0 for padding.
            category_probabilities: [N, K], or None.
            memorability: [N], or None.
            memorability_quantile: [N], or None.
            embedding: [N, D], rows of length 1, or None.
            embedding_reduced: [N, E] in [0, 1], or None.
            response: [N, A] in [0, 1], or None.
            response_ads: labels of its A ads, sorted.
            paths: names of the N videos; by default the category and a number.
            name: used as ``path``.

        Raises:
            PrerollError: if shapes are inconsistent or values are out of range.
        """
        told = f"catalog {name}"
        nearest = checked.whole(told, "neighbors", neighbors, np.int32)
        scores = (nearest >= 0).astype(np.float32) if neighbor_scores is None else neighbor_scores
        arrays: dict[str, NDArray[Any]] = {
            "category": checked.whole(told, "category", category, np.int16),
            "importance": np.array(importance, np.float32, order="C"),
            "neighbors": nearest,
            "neighbor_scores": np.array(scores, np.float32, order="C"),
        }
        further = (category_probabilities, memorability, memorability_quantile, embedding, embedding_reduced, response)
        given = {name: array for name, array in zip(OPTIONAL, further, strict=True) if array is not None}
        arrays |= {name: np.array(array, ARRAYS[name][0], order="C") for name, array in given.items()}
        for array in arrays.values():
            array.flags.writeable = False  # what was checked stays
        manifest = {
            "format": f"preroll-{KIND}",
            "version": manifests.VERSION,
            "command": name,
            "categories": list(categories),
            "videos": len(arrays["category"]) if arrays["category"].ndim else 0,
            "files": {},
        }
        if response is not None:
            manifest[RESPONSE_ADS] = list(response_ads)
        catalog = cls(Path(name), manifest, None, arrays)
        catalog.__dict__["classes"] = tuple(classes)
        if paths is not None and len(paths) != catalog.n_videos:
            raise PrerollError(f"{told}: {len(paths)} paths, but {catalog.n_videos} videos")
        catalog._paths = paths
        catalog.check_values()
        return catalog

    @classmethod
    def synthetic(
        cls,
        categories: Sequence[str] | Mapping[str, int] = (),
        videos: int | str | Path = 300,
        *,
        seed: int = 0,
        content: float = 0.3,
    ) -> "Catalog":
        """Creates a catalog without videos, from names of categories, or from a list of videos with their tags.

        Every category and every tag is an object class. With u the smaller of two uniform draws from [0, 1], for every
        video and class, importance = content · (the video is of the category, or has the tag) + (1 − content) · u.
        Neighbours are the nearest by the cosine of these, and ``category_probabilities`` are the exact posterior of
        the category given the importance of the categories' classes.

        Args:
            categories: names, which get equal parts of the videos; or numbers of videos by name.
            videos: number of videos; or a CSV file with the column ``category`` and, optionally, ``video`` (a name) and
                ``tags`` (separated by ``;`` or ``,``), instead of ``categories``.
            seed: seed of all draws.
            content: how much of a video is said by its category and tags, in [0, 1]: with 0 neighbours know nothing of
                categories, with 1 all videos of a category with the same tags are the same.

        Raises:
            PrerollError: an argument, or a line of the file, is not what is allowed.

        Examples:
            >>> from preroll.perception import Catalog
            >>> catalog = Catalog.synthetic(["cooking", "travel"], 100)
            >>> catalog.n_videos, catalog.categories, catalog.classes
            (100, ('cooking', 'travel'), ('cooking', 'travel'))
            >>> Catalog.synthetic({"cooking": 30, "travel": 10}).n_videos
            40
        """
        if isinstance(videos, str | Path):
            if categories:
                raise PrerollError(f"categories: {videos} names those of its videos; leave one of the two out")
            given = read_list(Path(videos))
        else:
            given = listed(categories, videos)
        catalog = cls.from_arrays(**planted(given, seed, content), name="synthetic")
        catalog.manifest[SYNTHETIC] = {"seed": seed, "content": content}
        return catalog

    def save(self, out: str | Path, *, command: str = "Catalog.save", replace: bool = False) -> "Catalog":
        """Writes a catalog that is in memory alone to a folder, and opens it.

        Args:
            out: the folder.
            command: what made it, for its manifest.
            replace: whether a catalog that is there may be replaced.

        Raises:
            PrerollError: it stands in a folder already, or something else is there.
        """
        if self._files is not None:
            raise PrerollError(f"{self._told}: stands in a folder already; copy that")
        out, told = Path(out), f"catalog {out}"
        arrays = {name: self._arrays[name] for name in ARRAYS if self.has(name)}
        with reserved(out, KIND, told, replace=replace), atomic.folder(out, KIND, told) as folder:
            atomic.write_json(folder / "classes.json", list(self.classes))
            atomic.write_text(folder / "videos.csv", self.videos().to_csv(index=False, lineterminator="\n"))
            for name, array in arrays.items():
                atomic.save_array(folder / f"{name}.npy", array)
            facts = {key: value for key, value in self.manifest.items() if key not in ("format", "version", "files")}
            facts["command"] = command
            manifests.write(folder, KIND, facts, about=lambda name: about_array(arrays.get(name.removesuffix(".npy"))))
        return Catalog.load(out)

    @property
    def is_saved(self) -> bool:
        """Whether it stands in a folder, from which :meth:`load` opens it again; else it is in memory alone."""
        return self._files is not None

    @cached_property
    def category(self) -> NDArray[np.int16]:
        """True category of each video, int16 [N], as an index into ``categories``; −1 if it is unknown."""
        return self._needed("category")

    @cached_property
    def importance(self) -> NDArray[np.float32]:
        """Importance of every class in every video, float32 [N, C] in [0, 1]."""
        return self._needed("importance")

    @cached_property
    def neighbors(self) -> NDArray[np.int32]:
        """Most similar other videos, int32 [N, 10], best first; −1 behind them where there are fewer."""
        return self._needed("neighbors")

    @cached_property
    def neighbor_scores(self) -> NDArray[np.float32]:
        """Cosine similarities of the neighbours, float32 [N, 10], 0 where padded."""
        return self._needed("neighbor_scores")

    @cached_property
    def category_probabilities(self) -> NDArray[np.float32] | None:
        """Predicted probabilities of the categories, float32 [N, K], or None."""
        return self._array("category_probabilities")

    @cached_property
    def memorability(self) -> NDArray[np.float32] | None:
        """Measured memorability, float32 [N] in [0, 1], or None."""
        return self._array("memorability")

    @cached_property
    def memorability_quantile(self) -> NDArray[np.float32] | None:
        """Share of videos that are predicted to be less memorable, float32 [N] in [0, 1], or None."""
        return self._array("memorability_quantile")

    @cached_property
    def embedding(self) -> NDArray[np.float16] | None:
        """Mean vector of each video, float16 [N, D] of length 1, or None."""
        return self._array("embedding")

    @cached_property
    def embedding_reduced(self) -> NDArray[np.float32] | None:
        """Scaled principal components of the embeddings, float32 [N, E] in [0, 1], or None."""
        return self._array("embedding_reduced")

    @cached_property
    def response(self) -> NDArray[np.float32] | None:
        """P(view) of every ad of ``response_ads`` before every video, float32 [N, A] in [0, 1], or None."""
        return self._array("response")

    @property
    def response_ads(self) -> tuple[str, ...]:
        """Labels of the ads of ``response``, ``group.name``, sorted; () without it."""
        return tuple(self.manifest[RESPONSE_ADS]) if self.has("response") else ()

    def _needed(self, name: str) -> NDArray[Any]:
        array = self._array(name)
        assert array is not None
        return array

    def _array(self, name: str) -> NDArray[Any] | None:
        """Returns an array once its content was checked; None if the catalog has none of this name."""
        if not self.has(name):
            return None
        if self._files is None:
            checked.check_values(self._told, name, self._arrays[name], self._sizes)
            return self._arrays[name]
        array = checked.read(self._files, f"{name}.npy")
        # What has the same hash has the same values.
        if (
            key := (self._files.files[f"{name}.npy"]["sha256"], name, self._sizes)
        ) not in _SOUND or not checked.hashes():
            checked.check_values(self._told, name, array, self._sizes)
            if checked.hashes():
                _SOUND.add(key)
        return array

    def has(self, name: str) -> bool:
        """Returns whether the catalog has the array of this name, which is not read."""
        return name in self._arrays if self._files is None else f"{name}.npy" in self._files.files

    @property
    def _told(self) -> str:
        return f"catalog {self.path}"

    @cached_property
    def _sizes(self) -> Sizes:
        return self._sizes_of(self._headers)

    def _sizes_of(self, headers: dict[str, NDArray[Any]]) -> Sizes:
        matrices = {name: array.shape[1] for name, array in headers.items() if array.ndim == 2}
        embedded, reduced = matrices.get("embedding", 0), matrices.get("embedding_reduced", 0)
        return Sizes(
            self.n_videos,
            len(self.categories),
            matrices.get("importance", 0),
            self.has("category_probabilities"),
            embedded=embedded,
            reduced=reduced,
            ads=len(self.response_ads),
        )

    @property
    def _headers(self) -> dict[str, NDArray[Any]]:
        """All arrays, whose content is not to be used."""
        if self._files is None:
            return self._arrays
        return {name: checked.header(self._files, f"{name}.npy") for name in ARRAYS if self.has(name)}

    @property
    def n_videos(self) -> int:
        """N, the number of usable videos: the rows of every array."""
        return int(self.manifest["videos"])

    @property
    def n_reduced(self) -> int:
        """E, the number of components of a reduced embedding; 0 without embeddings."""
        return self._sizes.reduced

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the C object classes, in the order of the columns of ``importance``."""
        assert self._files is not None
        path = self._files.folder / "classes.json"
        try:
            names = self._files.read_json("classes.json")
        except (ValueError, RecursionError) as error:
            raise DamagedError(f"{path}: cannot be read: {error}") from None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise PrerollError(f"{path}: must be a list of class names")
        if len(names) != self._sizes.classes:
            raise PrerollError(f"{path}: names {len(names)} classes, but importance.npy has {self._sizes.classes}")
        return tuple(names)

    @cached_property
    def sha256(self) -> str:
        """Hash of what the catalog is: its categories, and names and hashes of all files, but not how it was made."""
        if self._files is not None:
            return identity(self._files)
        digest = hashlib.sha256(json.dumps([self.categories, self.classes]).encode())
        for array in (
            self.category,
            self.importance,
            self.neighbors,
            self.neighbor_scores,
            self.category_probabilities,
        ):
            digest.update(b"none" if array is None else array.tobytes())
        for name in OPTIONAL[1:]:
            optional = self._array(name)
            digest.update(b"" if optional is None else optional.tobytes())
        digest.update("\n".join(self.response_ads).encode())
        return digest.hexdigest()

    def videos(self) -> "pd.DataFrame":
        """Returns the table of all videos, including those that were left out.

        Returns:
            One row per video with the columns ``index`` (its row in the arrays, −1 if it was left out), ``path``
            (relative to the folder of videos), ``category``, ``status`` (ok, partial, damaged, unreadable, timeout or
            not_a_file), ``reason``, ``coverage`` (the share of its duration that was decoded), ``duration`` [s],
            ``frames`` (number sampled), ``sha256``, ``split`` (such as train or test; empty if unspecified), and
            ``group`` (what the video is a piece of; empty if the build named no groups).
        """
        import pandas as pd

        if self._files is None:
            return self._videos_in_memory()
        text = dict.fromkeys(("path", "category", "status", "reason", "sha256", SPLIT, GROUP), "str")
        types = {**text, "index": "int64", "coverage": "float64", "duration": "float64", "frames": "int64"}
        content = io.BytesIO(self._files.read_bytes("videos.csv"))
        try:
            # keep_default_na=False: a video or category may be called NA or null.
            frame = pd.read_csv(
                content, dtype=types, keep_default_na=False, na_values={"duration": [""], "coverage": [""]}
            )
            for name in (SPLIT, GROUP):
                if name not in frame:
                    frame[name] = ""
            frame = frame[[*VIDEO_COLUMNS, SPLIT, GROUP]]
        except (ValueError, KeyError, OverflowError) as error:
            reason = " ".join(str(error).split())
            raise PrerollError(f"{self._files.folder / 'videos.csv'}: cannot be read: {reason}") from None
        rows, last = np.sort(frame["index"][frame["index"] != -1]), self.n_videos - 1
        if not np.array_equal(rows, np.arange(self.n_videos)):
            path = self._files.folder / "videos.csv"
            raise PrerollError(f"{path}: column index must hold each of 0 … {last} once, and −1 elsewhere")
        return frame

    def _videos_in_memory(self) -> "pd.DataFrame":
        import pandas as pd

        columns: dict[str, Any] = {
            "index": np.arange(self.n_videos),
            "path": self._paths
            or [f"{self.categories[k] if k >= 0 else 'unknown'}/{i}" for i, k in enumerate(self.category)],
            "category": [self.categories[k] if k >= 0 else "" for k in self.category],
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

    def detections(self, video: int) -> "pd.DataFrame":
        """Returns the detections in the video of row ``video``.

        Returns:
            A table with the columns ``frame`` (1 for the first; 3 per second), ``time`` (since the first frame [s]),
            ``class`` (name) and ``confidence``; if the detector locates objects, also ``area`` (share of the frame [%])
            and ``x0``, ``y0``, ``x1``, ``y1`` [pixels of the upright frame].

        Raises:
            PrerollError: if the catalog stores no detections, like one created in memory.
        """
        import pandas as pd

        columns = self.detection_columns
        rows = slice(int(columns["offsets"][video]), int(columns["offsets"][video + 1]))
        table = {
            "frame": columns["frame"][rows] + 1,
            "time": (columns["frame"][rows] / self.manifest.get("frames_per_second", 3)).round(3),
            "class": [self.classes[c] for c in columns["class"][rows]],
            "confidence": np.array(columns["confidence"][rows]),
        }
        if "area" in columns:
            table["area"] = np.array(columns["area"][rows])
            table |= dict(zip(("x0", "y0", "x1", "y1"), columns["box"][rows].T, strict=True))
        return pd.DataFrame(table)

    @cached_property
    def detection_columns(self) -> dict[str, NDArray[Any]]:
        """All detections, memory-mapped: those of row i are offsets[i] … offsets[i + 1] of every other column.

        A dictionary with ``offsets`` int64 [N + 1], ``frame`` int32 [M] (from 0), ``class`` int16 [M], ``confidence``
        float32 [M] and, if the detector locates objects, ``area`` float32 [M] and ``box`` float32 [M, 4].
        """
        if self._files is None or not self.has("detections/offsets"):
            raise PrerollError(f"{self._told}: it holds no detections")
        names = [name for name in DETECTIONS if self.has(f"detections/{name}")]
        if missing := [name for name in list(DETECTIONS)[:4] if name not in names]:
            raise PrerollError(f"{self._told}: it lacks detections/{missing[0]}.npy")
        columns = {name: checked.read(self._files, f"detections/{name}.npy") for name in names}
        sizes = replace(self._sizes, detections=columns["frame"].size)
        for name, array in columns.items():
            kind, axes = DETECTIONS[name]
            checked.check_type(self._told, f"detections/{name}", array, kind, sizes.shape(axes))
        checked.check_detections(self._told, columns, sizes.classes)
        return columns

    @cached_property
    def groups(self) -> NDArray[np.int64] | None:
        """Group of each video, int64 [N]: a fold parts no group; None if each video stands for itself."""
        if not self.grouped_by:
            return None
        table = self.videos()
        names = table[table["index"] >= 0].sort_values("index")[GROUP]
        return np.unique(np.asarray(names, np.str_), return_inverse=True)[1]

    @property
    def grouped_by(self) -> str:
        """What the build grouped videos by: a column of its table, ``folder`` or ``name``; empty if it did not."""
        return str(self.manifest.get("group_by", ""))

    def neighbors_in_category(self) -> tuple[float, float]:
        """Returns the share of neighbours in a video's own category, observed and expected by chance.

        Pieces of one clip resemble each other whatever the category: neighbours of a video's own group do not count.

        Returns:
            The share among the catalog's neighbours, and the share among videos drawn at random.
        """
        groups = np.arange(self.n_videos) if self.groups is None else self.groups
        near = (self.neighbors >= 0) & (self.category[:, None] >= 0) & (groups[self.neighbors] != groups[:, None])
        same = (self.category[self.neighbors] == self.category[:, None]) & near
        known = self.category >= 0
        if not known.any():
            return float(same.sum() / max(near.sum(), 1)), 0.0
        of, own = self.category[known], groups[known]
        _, pair, kin = np.unique(of.astype(np.int64) * self.n_videos + own, return_inverse=True, return_counts=True)
        others = len(of) - np.bincount(own)[own]
        chance = (np.bincount(of)[of] - kin[pair]).mean() / max(others.mean(), 1)
        return float(same.sum() / max(near.sum(), 1)), float(chance)

    def altered(self) -> list[str]:
        """Returns a line for every file that is missing, not what was written, or not named in the manifest."""
        return [] if self._files is None else self._files.altered()

    @property
    def files(self) -> Manifest:
        """The files of the catalog.

        Raises:
            PrerollError: it is in memory alone.
        """
        if self._files is None:
            raise PrerollError(f"{self._told}: it is in memory alone, and has no files")
        return self._files

    def check_values(self) -> None:
        """Reads every row and checks that indices and numbers are in range.

        Opening a catalog does not do this, because it would read all of it; ``preroll catalog verify`` does.

        Raises:
            PrerollError: naming the array and the first invalid row.
        """
        for name in ARRAYS:
            self._array(name)
        if len(self.classes) != self._sizes.classes:
            raise PrerollError(
                f"{self._told}: {len(self.classes)} classes, but importance has {self._headers['importance'].shape}"
            )
        if self._files is not None:
            self.videos()
            if self.has("detections/offsets"):
                self.detection_columns  # noqa: B018  # checked as they are read

    def _check_types(self) -> None:
        """Checks types and shapes, of files by their headers."""
        headers = self._headers
        self.__dict__["_sizes"] = self._sizes_of(headers)  # each header is opened once
        for name, array in headers.items():
            kind, axes = ARRAYS[name]
            checked.check_type(self._told, name, array, kind, self._sizes.shape(axes))
        if self._sizes.classes < 1:
            raise PrerollError(f"{self._told}: importance must have at least one class")

    def to_frame(self) -> "pd.DataFrame":
        """Returns one row a usable video: path, category, duration, what is known of it, and importance by class.

        ``memorability`` and ``memorability_quantile`` are there where the catalog has them, ``probability.CATEGORY``
        are the predicted probabilities of the categories, ``importance.CLASS`` those of the object classes.
        """
        import pandas as pd

        videos = self.videos().query("index >= 0").sort_values("index").set_index("index")
        given = {name: self._array(name) for name in ("memorability", "memorability_quantile")}
        told = {name: array for name, array in given.items() if array is not None}
        parts = [videos[["path", "category", "duration"]], pd.DataFrame(told, index=videos.index)]
        matrices = (
            ("probability", self.categories, self.category_probabilities),
            ("importance", self.classes, self.importance),
        )
        for prefix, names, matrix in matrices:
            if matrix is not None:
                parts.append(pd.DataFrame(matrix, index=videos.index, columns=[f"{prefix}.{name}" for name in names]))
        return pd.concat(parts, axis=1).reset_index(names="video")

    def plot(self, axes: "Axes | None" = None) -> "Axes":
        """Draws the number of videos of every category.

        Args:
            axes: the axes to draw on; new ones by default.
        """
        counts = self._counts()
        rows = [plots.Bar(name, n, color=category_color(k)) for k, (name, n) in enumerate(counts.items())]
        return plots.bars(axes, rows, title=f"catalog {self.path.name}: {self.n_videos:,} videos", x="videos")

    def _counts(self) -> dict[str, int]:
        """Returns the number of videos by category; those without one stand last, if there are any."""
        counts = np.bincount(self.category + 1, minlength=len(self.categories) + 1).tolist()
        return dict(zip(self.categories, counts[1:], strict=True)) | (
            {"without category": counts[0]} if counts[0] else {}
        )

    def _card(self) -> Card:
        known = [name.replace("_", " ") for name in OPTIONAL if self.has(name)]
        planned = self.manifest.get(SYNTHETIC)
        facts = {
            "videos": self.n_videos,
            "made by": self.manifest["command"],
            "object classes": self._sizes.classes,
            **({"also knows": ", ".join(known)} if known else {}),
            **({"planted": ", ".join(f"{key} {value}" for key, value in planned.items())} if planned else {}),
        }
        return Card(f"Catalog {self.path}", facts, ("category", "videos"), list(self._counts().items()))
