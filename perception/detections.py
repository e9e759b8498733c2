"""One video's detections as a table."""

from pathlib import Path

import pandas as pd

from preroll.errors import PrerollError
from preroll.perception.analysis import Analysis
from preroll.perception.cards import EMBEDDED, ModelCard
from preroll.perception.model_file import ModelFile
from preroll.perception.pool import Pool
from preroll.perception.supervised import Limits, Progress, Task


def detect(
    source: str | Path,
    *,
    detector: str | Path = EMBEDDED,
    card: str | Path | ModelCard | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Finds object classes in a video, or in a folder of frames 1.jpg, 2.jpg, ….

    Args:
        source: the video file or the folder.
        detector: an ONNX model; the embedded one by default.
        card: its model card, where it is not found by itself.
        limits: what the worker process may use before it is killed.
        progress: is called with the seconds analysed and the seconds promised (None: not known).

    Returns:
        One row per frame and class with the columns ``frame`` (1 for the first; 3 a second), ``class`` and
        ``confidence``. Its ``attrs`` hold ``frames`` (sampled, those without detections included), ``status``,
        ``reason``, ``coverage`` and ``duration`` [s].

    Raises:
        PrerollError: where the source or the detector cannot be used.
    """
    source = Path(source)
    if not source.exists():
        raise PrerollError(f"video {source}: no such file or folder")
    if not source.is_file() and not source.is_dir():
        raise PrerollError(f"video {source}: not a regular file, nor a folder of frames")
    model = ModelFile.find(Path(detector), Path(card) if isinstance(card, str) else card)
    pool = Pool(model, workers=1, limits=limits)
    pool.check()
    ((_, analysis),) = pool.map([Task(source)], progress)
    if not analysis.usable:
        raise PrerollError(f"video {source}: {analysis.status}: {analysis.reason}")
    return as_table(analysis, model.card.classes)


def as_table(analysis: Analysis, classes: tuple[str, ...]) -> pd.DataFrame:
    """Turns an analysis into the table of :func:`detect`."""
    found = analysis.found
    names = [classes[label] for label in found.label]
    table = pd.DataFrame({"frame": found.frame + 1, "class": names, "confidence": found.confidence})
    for key in ("frames", "status", "reason", "coverage", "duration"):
        table.attrs[key] = getattr(analysis, key)
    return table


def class_summary(table: pd.DataFrame) -> pd.DataFrame:
    """What a table of :func:`detect` says about each class.

    Returns:
        By falling importance, with the columns ``class``, ``frames`` (in which it was found), ``mean`` (confidence in
        these) and ``importance`` (mean of the largest confidence over all sampled frames).
    """
    best = table.groupby(["class", "frame"])["confidence"].max().astype("float64").groupby("class")
    summary = pd.DataFrame({"frames": best.size(), "mean": best.mean()})
    summary["importance"] = summary["mean"] * summary["frames"] / max(table.attrs["frames"], 1)
    return summary.reset_index().sort_values(["importance", "class"], ascending=[False, True], ignore_index=True)
