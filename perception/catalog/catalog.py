"""The catalog: what perception computed about the videos, read from a folder of memory-mapped arrays.

Opening reads the manifest and the headers of the arrays; rows are read on access. This module depends only on NumPy and
the standard library, so that environments can open a catalog without a detector, a decoder or pandas.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from preroll.errors import PrerollError
from preroll.files.hashing import sha256_of
from preroll.perception.catalog import manifest as manifests

if TYPE_CHECKING:
    import pandas as pd

NEIGHBORS = 10
DEMO = "demo"
# Optional arrays.
_OPTIONAL = ("category_probabilities", "memorability", "memorability_quantile")
VIDEO_COLUMNS = ("index", "path", "category", "status", "reason", "coverage", "duration", "frames", "sha256")
SPLIT, GROUP = "split", "group"
_DETECTIONS = ("offsets", "frame", "class", "confidence", "area", "box")


class Catalog:
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

    path: Path
    manifest: dict[str, Any]
    categories: tuple[str, ...]
    category: NDArray[np.int16]
    importance: NDArray[np.float32]
    category_probabilities: NDArray[np.float32] | None
    neighbors: NDArray[np.int32]
    neighbor_scores: NDArray[np.float32]
    memorability: NDArray[np.float32] | None
    memorability_quantile: NDArray[np.float32] | None

    def __init__(self, path: Path, manifest: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        self.path = path
        self.manifest = manifest
        self.categories = tuple(manifest["categories"])
        self.category = arrays["category"]
        self.importance = arrays["importance"]
        self.category_probabilities = arrays.get("category_probabilities")
        self.neighbors = arrays["neighbors"]
        self.neighbor_scores = arrays["neighbor_scores"]
        self.memorability = arrays.get("memorability")
        self.memorability_quantile = arrays.get("memorability_quantile")
        self._check_shapes()

    @classmethod
    def load(cls, name_or_path: "str | Path | Catalog" = DEMO) -> "Catalog":
        """Opens the packaged catalog ``"demo"`` or the catalog in a folder; returns a catalog unchanged.

        Raises:
            PrerollError: if there is no such folder, or it is not a catalog that this version reads.
        """
        if isinstance(name_or_path, Catalog):
            return name_or_path
        if name_or_path == DEMO:
            return cls.open(Path(__file__).parent / "demo")
        return cls.open(name_or_path)

    @classmethod
    def open(cls, path: str | Path) -> "Catalog":
        """Opens the catalog in the folder ``path``, memory-mapped.

        Raises:
            PrerollError: if the folder or the manifest is missing, its version is unknown, or the shape or type of an
                array differs from the manifest.
        """
        path = Path(path)
        manifest = manifests.read_manifest(path)
        files = manifest["files"]
        names = ["category", "importance", "neighbors", "neighbor_scores"]
        names += [name for name in _OPTIONAL if f"{name}.npy" in files]
        return cls(path, manifest, {name: _map(path, f"{name}.npy", files[f"{name}.npy"]["shape"]) for name in names})

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
            name: used as ``path``.

        Raises:
            PrerollError: if shapes are inconsistent or values are out of range.
        """
        nearest = np.ascontiguousarray(neighbors, np.int32)
        scores = (nearest >= 0).astype(np.float32) if neighbor_scores is None else neighbor_scores
        arrays: dict[str, NDArray[Any]] = {
            "category": np.ascontiguousarray(category, np.int16),
            "importance": np.ascontiguousarray(importance, np.float32),
            "neighbors": nearest,
            "neighbor_scores": np.ascontiguousarray(scores, np.float32),
        }
        optional = dict(zip(_OPTIONAL, (category_probabilities, memorability, memorability_quantile), strict=True))
        given = {name: array for name, array in optional.items() if array is not None}
        arrays |= {name: np.ascontiguousarray(array, np.float32) for name, array in given.items()}
        manifest = {
            "format": manifests.FORMAT,
            "version": manifests.VERSION,
            "command": name,
            "categories": list(categories),
            "videos": len(arrays["category"]),
            "files": {},
        }
        catalog = cls(Path(name), manifest, arrays)
        catalog.__dict__["classes"] = tuple(classes)
        catalog.check_values()
        return catalog

    @property
    def n_videos(self) -> int:
        """N, the number of usable videos: the rows of every array."""
        return len(self.category)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the C object classes, in the order of the columns of ``importance``."""
        path = self.path / "classes.json"
        try:
            names = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise PrerollError(f"{path}: cannot be read: {error}") from None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise PrerollError(f"{path}: must be a list of class names")
        if len(names) != self.importance.shape[1]:
            raise PrerollError(f"{path}: names {len(names)} classes, but importance.npy has {self.importance.shape[1]}")
        return tuple(names)

    @cached_property
    def sha256(self) -> str:
        """Hash that identifies the content: that of the manifest, which contains those of all files."""
        if self.manifest["files"]:
            return sha256_of(self.path / manifests.NAME)
        digest = hashlib.sha256(json.dumps([self.categories, self.classes]).encode())
        for array in (
            self.category,
            self.importance,
            self.neighbors,
            self.neighbor_scores,
            self.category_probabilities,
        ):
            digest.update(b"none" if array is None else array.tobytes())
        for array in (self.memorability, self.memorability_quantile):
            digest.update(b"" if array is None else array.tobytes())
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

        if not self.manifest["files"]:
            return self._videos_in_memory()
        text = dict.fromkeys(("path", "category", "status", "reason", "sha256", SPLIT, GROUP), "str")
        types = {**text, "index": "int64", "coverage": "float64", "duration": "float64", "frames": "int64"}
        # keep_default_na=False: a video or category may be called NA or null.
        frame = pd.read_csv(
            self.path / "videos.csv", dtype=types, keep_default_na=False, na_values={"duration": [""], "coverage": [""]}
        )
        for name in (SPLIT, GROUP):
            if name not in frame:
                frame[name] = ""
        return frame[[*VIDEO_COLUMNS, SPLIT, GROUP]]

    def _videos_in_memory(self) -> "pd.DataFrame":
        import pandas as pd

        columns: dict[str, Any] = {
            "index": np.arange(self.n_videos),
            "path": [f"{self.categories[k] if k >= 0 else 'unknown'}/{i}" for i, k in enumerate(self.category)],
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
            A table with the columns ``frame`` (1 for the first; 3 per second), ``class`` (name) and ``confidence``; if
            the detector locates objects, also ``area`` (share of the frame [%]) and ``x0``, ``y0``, ``x1``, ``y1``
            [pixels of the upright frame].

        Raises:
            PrerollError: if the catalog stores no detections, like one created in memory.
        """
        import pandas as pd

        columns = self.detection_columns
        rows = slice(int(columns["offsets"][video]), int(columns["offsets"][video + 1]))
        table = {
            "frame": columns["frame"][rows] + 1,
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
        files = self.manifest["files"]
        if "detections/offsets.npy" not in files:
            raise PrerollError(f"catalog {self.path}: it holds no detections")
        names = [name for name in _DETECTIONS if f"detections/{name}.npy" in files]
        return {
            name: _map(self.path, f"detections/{name}.npy", files[f"detections/{name}.npy"]["shape"]) for name in names
        }

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

    def check_values(self) -> None:
        """Reads every row and checks that indices and numbers are in range.

        Opening a catalog does not do this, because it would read all of it; ``preroll catalog verify`` does.

        Raises:
            PrerollError: naming the array and the first invalid row.
        """
        n, k = self.n_videos, len(self.categories)
        lowest = 0 if self.category_probabilities is None else -1
        rule = f"must lie in 0 … {k - 1}" + (", or be −1 where it is not known" if lowest else "")
        self._require("category", (self.category >= lowest) & (self.category < k), rule)
        near = self.neighbors
        self._require("neighbors", (near >= -1) & (near < n), f"must lie in 0 … {n - 1}, or be −1 for padding")
        self._require("neighbors", near != np.arange(n)[:, None], "must not hold the video itself")
        for name in ("importance", *_OPTIONAL):
            if (array := getattr(self, name)) is not None:
                self._require(name, (array >= 0) & (array <= 1 + 1e-6), "must lie in [0, 1]")
        self._require("neighbor_scores", np.isfinite(self.neighbor_scores), "must be finite")
        if len(self.classes) != self.importance.shape[1]:
            raise PrerollError(
                f"catalog {self.path}: {len(self.classes)} classes, but importance has {self.importance.shape}"
            )

    def _require(self, name: str, valid: NDArray[np.bool_], rule: str) -> None:
        if not valid.all():
            row = int(np.argwhere(~valid)[0][0])
            raise PrerollError(f"catalog {self.path}: {name}, row {row}: {rule}")

    def _check_shapes(self) -> None:
        n, k = self.manifest["videos"], len(self.categories)
        width = self.importance.shape[1] if self.importance.ndim == 2 else 0
        expected: dict[str, tuple[NDArray[Any] | None, tuple[int, ...], str]] = {
            "category": (self.category, (n,), "int16"),
            "importance": (self.importance, (n, width), "float32"),
            "category_probabilities": (self.category_probabilities, (n, k), "float32"),
            "neighbors": (self.neighbors, (n, NEIGHBORS), "int32"),
            "neighbor_scores": (self.neighbor_scores, (n, NEIGHBORS), "float32"),
            "memorability": (self.memorability, (n,), "float32"),
            "memorability_quantile": (self.memorability_quantile, (n,), "float32"),
        }
        for name, (array, shape, kind) in expected.items():
            if array is not None and (array.shape != shape or array.dtype != kind):
                raise PrerollError(
                    f"catalog {self.path}: {name} is {array.dtype} {list(array.shape)}, must be {kind} {list(shape)}"
                )
        if width < 1:
            raise PrerollError(f"catalog {self.path}: importance must have at least one class")

    def __repr__(self) -> str:
        return f"Catalog({str(self.path)!r}, {self.n_videos:,} videos, categories {', '.join(self.categories)})"


def _map(folder: Path, name: str, shape: list[int]) -> NDArray[Any]:
    """Opens one array of a catalog, memory-mapped and without unpickling, and checks its shape against the manifest."""
    path = folder / name
    try:
        # An empty array cannot be memory-mapped.
        array = np.load(path, mmap_mode="r" if 0 not in shape else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise PrerollError(f"{path}: cannot be read as an array: {error}") from None
    if not isinstance(array, np.ndarray):
        raise PrerollError(f"{path}: is not a single array")
    if list(array.shape) != shape:
        raise PrerollError(f"{path}: has shape {list(array.shape)}, but the manifest says {shape}")
    return array
