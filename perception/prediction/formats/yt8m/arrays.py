"""Tagged videos as memory-mapped arrays, converted from the data files once and cached."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from preroll.bounded.readers import load_array
from preroll.errors import PrerollError
from preroll.files import atomic, manifest
from preroll.files.work_folder import BeingWrittenError
from preroll.perception.prediction.formats.yt8m.record import CLASSES, FEATURES, Tagged
from preroll.perception.prediction.framework.bad_input import Skipping
from preroll.perception.prediction.framework.first_few import first_few

#: Version of the cached arrays; increase it when their meaning changes, so that older caches are rebuilt.
VERSION = 2


class Reader(Protocol):
    """Protocol of the readers of one file of tagged videos."""

    __name__: str

    def __call__(self, path: Path, skipping: Skipping, *, labeled: bool) -> Iterator[Tagged]:
        """Yields the videos of the file; ``labeled`` says whether each must have a label."""


@dataclass(frozen=True)
class TagArrays:
    """Features and labels of N tagged videos, the labels in compressed sparse rows.

    Attributes:
        ids: ids of the N videos.
        features: float32 [N, 1152]; memory-mapped if loaded from disk.
        starts: int64 [N + 1]; the labels of video i are ``labels[starts[i] : starts[i + 1]]``.
        labels: int32, class numbers of all videos, concatenated.
        classes: K, the number of classes.
    """

    ids: tuple[str, ...]
    features: NDArray[np.float32]
    starts: NDArray[np.int64]
    labels: NDArray[np.int32]
    classes: int = CLASSES

    def __len__(self) -> int:
        return len(self.ids)

    def targets(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.bool_]:
        """Returns the labels of the videos in ``rows`` (by default all) as bool [n, K]."""
        rows = np.arange(len(self)) if rows is None else rows
        counts = self.starts[rows + 1] - self.starts[rows]
        # first + arange is the position in ``labels`` of every label of these rows.
        first = np.repeat(self.starts[rows] - np.cumsum(counts) + counts, counts)
        dense = np.zeros((len(rows), self.classes), np.bool_)
        dense[np.repeat(np.arange(len(rows)), counts), self.labels[first + np.arange(counts.sum())]] = True
        return dense

    def frequencies(self) -> NDArray[np.float64]:
        """Returns the share of videos with each label, float64 [K]."""
        return np.bincount(self.labels, minlength=self.classes) / max(1, len(self))

    @classmethod
    def collect(cls, videos: Iterable[Tagged], skipping: Skipping) -> "TagArrays":
        """Collects videos in memory; a repeated id is bad input."""
        features: list[NDArray[np.float32]] = []
        labels: list[NDArray[np.int32]] = []
        ids: dict[str, None] = {}
        for video in videos:
            if video.id in ids:
                skipping.bad(video.where, f"id {video.id!r}", "occurs twice; ids must differ")
                continue
            ids[video.id] = None
            features.append(video.features)
            labels.append(video.labels)
        starts = np.cumsum([0, *(len(one) for one in labels)], dtype=np.int64)
        joined = np.concatenate([np.zeros(0, np.int32), *labels])
        return cls(tuple(ids), np.stack(features) if features else np.zeros((0, FEATURES), np.float32), starts, joined)

    def save(self, folder: Path, skipped: list[str]) -> None:
        """Writes the arrays and the record of input that was skipped during their conversion."""
        with atomic.folder(folder, "arrays") as target:
            atomic.save_array(target / "features.npy", self.features)
            atomic.save_array(target / "starts.npy", self.starts)
            atomic.save_array(target / "labels.npy", self.labels)
            atomic.write_json(target / "arrays.json", {"version": VERSION, "ids": self.ids, "skipped": skipped})

    @classmethod
    def load(cls, folder: Path) -> tuple["TagArrays", list[str]]:
        """Memory-maps saved arrays, and returns them with the record of skipped input.

        Raises:
            OSError, PrerollError, ValueError, KeyError, TypeError: there are none, or they are not what was written.
        """
        files = manifest.read(atomic.current(folder), "arrays")
        facts = files.read_json("arrays.json")
        parts: dict[str, Any] = {
            name: load_array(files.verified(f"{name}.npy")) for name in ("features", "starts", "labels")
        }
        return cls(tuple(facts["ids"]), **parts), facts["skipped"]


def converted(files: list[Path], read: Reader, cache: Path, skipping: Skipping, *, labeled: bool = True) -> TagArrays:
    """Returns the videos of ``files``, from cached arrays if the same files were converted before.

    Files are compared by name, size and modification time, not by content.

    Args:
        files: files of one format.
        read: reader of this format.
        cache: folder of the cached arrays of all data sets.
        skipping: policy for bad videos.
        labeled: whether every video must have a label.

    Raises:
        PrerollError: there is no file or no usable video, or a video is bad and skipping is not allowed.
    """
    if not files:
        raise PrerollError("no file of tagged videos was found")
    folder = cache / _key(files, VERSION, read.__name__, skipping.allowed, labeled)
    try:
        arrays, skipped = TagArrays.load(folder)
    except (OSError, PrerollError, ValueError, KeyError, TypeError):
        before = len(skipping.found)
        arrays = TagArrays.collect(
            (video for path in files for video in _videos(path, read, skipping, labeled)), skipping
        )
        if not len(arrays):
            raise PrerollError(f"no usable video is in {first_few([str(path) for path in files])}") from None
        try:
            arrays.save(folder, skipping.found[before:])
        except BeingWrittenError:
            return arrays  # another training converts the same files
        return TagArrays.load(folder)[0]
    atomic.sweep(folder)  # a kill after the last step leaves its work folder
    skipping.found += skipped
    return arrays


def _videos(path: Path, read: Reader, skipping: Skipping, labeled: bool) -> Iterator[Tagged]:
    """Yields the videos of a file; an empty file, such as an aborted download, is bad input."""
    sound, before = False, len(skipping.found)
    for video in read(path, skipping, labeled=labeled):
        sound = True
        yield video
    if not sound and len(skipping.found) == before:
        skipping.bad(path, "", "is empty; must hold at least one video")


def _key(files: list[Path], *how: str | int) -> str:
    facts: list[Any] = [*how]
    for path in files:
        status = path.stat()
        facts.append([path.name, status.st_size, status.st_mtime_ns])
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
