"""The catalog: what perception computed about the videos, read from a folder of memory-mapped arrays.

Opening reads the manifest and the headers of the arrays. An array is read as a whole when it is first used: its hash is
compared, once for every process and state of the file, and every value checked. This module depends only on NumPy and
the standard library, so that environments can open a catalog without a detector, a decoder or pandas.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from preroll.console.given import seed_of, shortened
from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.files import manifest as manifests
from preroll.files.manifest import Manifest
from preroll.files.targets import reserved
from preroll.perception.catalog import catalog_views as views
from preroll.perception.catalog.arrays import ARRAYS
from preroll.perception.catalog.catalog_arrays import CatalogArrays
from preroll.perception.catalog.detections import detections_of, read_detections
from preroll.perception.catalog.in_memory import arrays_in_memory, manifest_in_memory
from preroll.perception.catalog.manifest import KIND, SYNTHETIC, about_array, read_manifest
from preroll.perception.catalog.neighbor_shares import shares_in_category
from preroll.perception.catalog.synthetic import listed, planted
from preroll.perception.catalog.video_list import read_list
from preroll.perception.catalog.videos_table import GROUP, read_videos, videos_in_memory
from preroll.shown.card import Card
from preroll.shown.shown import ShownTable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

DEMO = "demo"


class Catalog(CatalogArrays, ShownTable):
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
        optional = {
            "category_probabilities": category_probabilities,
            "memorability": memorability,
            "memorability_quantile": memorability_quantile,
            "embedding": embedding,
            "embedding_reduced": embedding_reduced,
            "response": response,
        }
        told = f"catalog {name}"
        arrays = arrays_in_memory(told, category, importance, neighbors, neighbor_scores, optional)
        ads = None if response is None else list(response_ads)
        catalog = cls(Path(name), manifest_in_memory(name, categories, arrays["category"], ads), None, arrays)
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
            given, told = read_list(Path(videos)), f"videos={str(videos)!r}"
        elif not isinstance(videos, Real):
            raise PrerollError(f"videos: {shortened(videos)}: a number of videos, or a CSV file of them, is expected")
        else:
            given = listed(categories, videos)
            names = dict(categories) if isinstance(categories, Mapping) else [*categories]
            told = f"{names}" if isinstance(names, dict) else f"{names}, {videos:g}"
        seed = seed_of(seed)
        catalog = cls.from_arrays(**planted(given, seed, content), name="synthetic")
        catalog.manifest["command"] = f"Catalog.synthetic({told}, seed={seed}, content={float(content)})"
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

    def videos(self) -> "pd.DataFrame":
        """Returns the table of all videos, including those that were left out.

        Returns:
            One row per video with the columns ``index`` (its row in the arrays, −1 if it was left out), ``path``
            (relative to the folder of videos), ``category``, ``status`` (ok, partial, damaged, unreadable, timeout or
            not_a_file), ``reason``, ``coverage`` (the share of its duration that was decoded), ``duration`` [s],
            ``frames`` (number sampled), ``sha256``, ``split`` (such as train or test; empty if unspecified), and
            ``group`` (what the video is a piece of; empty if the build named no groups).
        """
        if self._files is None:
            return videos_in_memory(self.categories, self.category, self._paths)
        return read_videos(self._files, self.n_videos)

    def detections(self, video: int) -> "pd.DataFrame":
        """Returns the detections in the video of row ``video``.

        Returns:
            A table with the columns ``frame`` (1 for the first; 3 per second), ``time`` (since the first frame [s]),
            ``class`` (name) and ``confidence``; if the detector locates objects, also ``area`` (share of the frame [%])
            and ``x0``, ``y0``, ``x1``, ``y1`` [pixels of the upright frame].

        Raises:
            PrerollError: if the catalog stores no detections, like one created in memory.
        """
        return detections_of(self.detection_columns, video, self.classes, self.manifest)

    @cached_property
    def detection_columns(self) -> dict[str, NDArray[Any]]:
        """All detections, memory-mapped: those of row i are offsets[i] … offsets[i + 1] of every other column.

        A dictionary with ``offsets`` int64 [N + 1], ``frame`` int32 [M] (from 0), ``class`` int16 [M], ``confidence``
        float32 [M] and, if the detector locates objects, ``area`` float32 [M] and ``box`` float32 [M, 4].
        """
        if self._files is None or not self.has("detections/offsets"):
            raise PrerollError(f"{self._told}: it holds no detections")
        return read_detections(self._files, self._told, self._sizes)

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
        return shares_in_category(self.neighbors, self.category, self.groups)

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

    def to_frame(self) -> "pd.DataFrame":
        """Returns one row a usable video: path, category, duration, what is known of it, and importance by class.

        ``memorability`` and ``memorability_quantile`` are there where the catalog has them, ``probability.CATEGORY``
        are the predicted probabilities of the categories, ``importance.CLASS`` those of the object classes.
        """
        return views.table(self, self.videos())

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draws the number of videos of every category.

        Args:
            ax: the axes to draw on; new ones by default.
        """
        return views.plot(self, ax)

    def _card(self) -> Card:
        return views.card(self)
