"""Arrays of a catalog by name: those of a folder are memory-mapped and checked when they are first used.

An array is read as a whole at its first use: its hash is compared, once for every process and state of the file, and
every value checked.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.files.manifest import Manifest
from preroll.files.sealed import DamagedError
from preroll.perception.catalog import arrays as checked
from preroll.perception.catalog.arrays import ARRAYS, OPTIONAL, Sizes
from preroll.perception.catalog.manifest import RESPONSE_ADS, identity

#: Hashes, names and sizes of arrays whose values this process has checked.
_SOUND: set[tuple[str, str, Sizes]] = set()


class CatalogArrays:
    """The arrays of a catalog, of a folder or in memory, and what their headers say."""

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
    def n_classes(self) -> int:
        """C, the number of object classes: the columns of ``importance``."""
        return self._sizes.classes

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

    def _check_types(self) -> None:
        """Checks types and shapes, of files by their headers."""
        headers = self._headers
        self.__dict__["_sizes"] = self._sizes_of(headers)  # each header is opened once
        for name, array in headers.items():
            kind, axes = ARRAYS[name]
            checked.check_type(self._told, name, array, kind, self._sizes.shape(axes))
        if self._sizes.classes < 1:
            raise PrerollError(f"{self._told}: importance must have at least one class")
