"""Predictions by video id, and the folder that they are saved to."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.files import atomic, manifest, targets
from preroll.files.manifest import Manifest
from preroll.perception.prediction.framework.first_few import first_few
from preroll.perception.prediction.metrics.calibration import temperature_scaled_tags
from preroll.perception.prediction.metrics.ranking import best_classes
from preroll.shown.shown import Shown

KIND = "predictions"
#: Maximum number of names in a row of predictions.csv.
_BEST = 20


@dataclass(frozen=True, repr=False)
class Predictions(Shown):
    """Predictions of one task: K values for each of n videos.

    Attributes:
        task: ``tags``, ``genres`` or ``memorability``.
        ids: ids of the n videos.
        names: names of the K predicted quantities.
        values: float32 [n, K], probabilities of tags or genres, or memorability scores.

    Examples:
        Look up videos by id, and save the predictions for a later command:

        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from preroll.perception.prediction import Predictions
        >>> values = np.array([[0.75, 0.25], [0.125, 0.5]], np.float32)
        >>> predictions = Predictions("tags", ("video-1", "video-2"), ("Music", "Sport"), values)
        >>> predictions.rows_of(["video-2", "video-1"]).tolist()
        [[0.125, 0.5], [0.75, 0.25]]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     predictions.save(Path(folder) / "tags")
        ...     Predictions.open(Path(folder) / "tags").names
        ('Music', 'Sport')
    """

    task: str
    ids: tuple[str, ...]
    names: tuple[str, ...]
    values: NDArray[np.float32]

    def temperature_scaled(self, temperature: float) -> "Predictions":
        """Returns the predictions with temperature-scaled probabilities.

        Memorability is a score, not a probability, and stays unchanged.

        Args:
            temperature: T, by which log-odds are divided.
        """
        if self.task == "memorability" or temperature == 1:
            return self
        return replace(self, values=temperature_scaled_tags(self.values, temperature).astype(np.float32))

    def rows_of(self, ids: list[str]) -> NDArray[np.float32]:
        """Returns the predictions of the given videos, in the given order.

        Args:
            ids: ids of the videos.

        Returns:
            float32 [len(ids), K].

        Raises:
            PrerollError: nothing is predicted about a video; the message names the first few.
        """
        place = {name: row for row, name in enumerate(self.ids)}
        if missing := [name for name in ids if name not in place]:
            few, of = first_few(missing), f"{len(missing)} of {len(ids)} videos"
            raise PrerollError(f"predictions of {self.task}: nothing about {of}: {few}")
        return self.values[[place[name] for name in ids]]

    def save(self, folder: str | Path) -> None:
        """Writes the predictions to a folder; older predictions in it are replaced.

        The files are ``predictions.npy``, ``ids.json``, ``names.json``, ``task.json``, and, for human readers,
        ``predictions.csv`` with the 20 largest values of each video.

        Args:
            folder: is created if it does not exist.

        Raises:
            PrerollError: the folder contains something other than predictions.
        """
        folder = Path(folder)
        with reserved(folder), atomic.folder(folder, KIND, f"--out {folder}") as target:
            atomic.save_array(target / "predictions.npy", np.asarray(self.values, np.float32))
            atomic.write_json(target / "ids.json", list(self.ids))
            atomic.write_json(target / "names.json", list(self.names))
            atomic.write_text(target / "predictions.csv", self._csv())
            atomic.write_json(target / "task.json", {"task": self.task})

    @classmethod
    def open(cls, folder: str | Path) -> "Predictions":
        """Reads a folder written by :meth:`save`.

        Raises:
            PrerollError: a file is missing or unreadable, the files do not fit each other, or a value is not finite.
        """
        folder = Path(folder)
        files = _manifest(folder)
        try:
            task, ids, names = (files.read_json(f"{name}.json") for name in ("task", "ids", "names"))
            values = files.read_array("predictions.npy")
            found = cls(str(task["task"]), tuple(map(str, ids)), tuple(map(str, names)), values)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise PrerollError(f"predictions {folder}: cannot be read: {error}") from None
        if found.values.shape != (len(ids), len(names)) or len(set(ids)) != len(ids):
            raise PrerollError(f"predictions {folder}: {list(values.shape)} numbers do not fit ids and names")
        if values.dtype.kind != "f" or not np.isfinite(values).all():
            row, column = np.argwhere(~np.isfinite(values))[0] if values.dtype.kind == "f" else (0, 0)
            raise PrerollError(f"predictions {folder}: {values[row, column]} of id {ids[row]!r} is no finite float")
        return found

    def _csv(self) -> str:
        import csv
        import io

        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        shown = min(_BEST, len(self.names))
        rows.writerow(["id", *(part for i in range(shown) for part in (f"name {i + 1}", f"value {i + 1}"))])
        for name, line, best in zip(self.ids, self.values, best_classes(self.values, _BEST), strict=True):
            rows.writerow([name, *(part for k in best for part in (self.names[k], f"{line[k]:.4f}"))])
        return text.getvalue()


def reserved(folder: Path) -> AbstractContextManager[None]:
    """Holds the lock of a folder of predictions from before the work until they are saved.

    Raises:
        PrerollError: the folder holds something other than predictions, another process is writing it, or it cannot be
            written.
    """
    return targets.reserved(folder, KIND, f"--out {folder}", replace=True)


def _manifest(folder: Path) -> Manifest:
    place = atomic.current(folder)
    if not place.is_dir():
        raise PrerollError(
            f"predictions {folder}: no such folder; `preroll predict apply FILE.yaml --out DIR` makes one"
        )
    try:
        return manifest.read(place, KIND)
    except FileNotFoundError:
        older = "; an older version wrote it: apply the model again" if (place / "task.json").is_file() else ""
        reason = f"it has no {manifest.NAME}, so it holds no predictions{older}"
        raise PrerollError(f"predictions {folder}: {reason}") from None
