"""Detection in a single video, with the result as a table."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.perception.analysis.analysis import Analysis
from preroll.perception.ingest.chosen_detector import Looked, usual_or
from preroll.perception.onnx_models.model_card import EMBEDDED, EMBEDDED_SEGMENTER, ModelCard
from preroll.perception.onnx_models.model_file import ModelFile
from preroll.perception.video.decoding import FRAMES_PER_SECOND
from preroll.perception.video.frame_folders import check_only_frames
from preroll.perception.workers.pool import VideoJob, VideoPool, drawn
from preroll.workers.job import Limits, Progress


def detect(
    source: str | Path,
    *,
    detector: str | Path | None = None,
    card: str | Path | ModelCard | None = None,
    trust: str | None = None,
    segment: bool = False,
    top: int | None = None,
    overlay: str | Path | None = None,
    fast: bool = False,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Detects object classes in a video, or in a folder of frames 1.jpg, 2.jpg, ….

    Args:
        source: the video file or the folder.
        detector: an ONNX model, or the name of one; by default the embedded segmenter with ``segment``, else the
            network of photographs where the video is no drawing of preroll and it is installed, else that of drawings.
        card: its model card; by default the one beside the model, or the package's card with the model's sha256.
        trust: sha256 of the model if its loops may have any number of rounds.
        segment: return one row per object, with its location.
        top: largest number of classes per frame that a classifier reports; the card's by default.
        overlay: folder to which the sampled frames are written as 1.jpg, 2.jpg, … with their objects drawn in; requires
            ``segment``.
        fast: skip the frames that no other frame refers to.
        limits: time and memory limits of the worker process.
        progress: called with the seconds analysed so far and the duration that the file declares [s] (None if unknown).

    Returns:
        One row per frame and class with the columns ``frame`` (1 for the first; 3 per second), ``time`` (since the
    first frame [s]), ``class`` and ``confidence`` (of the best object if the detector finds objects). With
    ``segment``, one row per object with the additional columns ``area`` (share of the frame [%]) and ``x0``,
    ``y0``, ``x1``, ``y1`` (its box [pixels of the upright frame]). Its ``attrs`` contain ``frames`` (number
    sampled, including those without detections), ``status``, ``reason``, ``coverage``, ``duration`` [s],
    ``detector`` (the network's name) and ``note`` (a line for the user, where a network of drawings was used on
    something else; else empty).

    Raises:
        PrerollError: if the source or the detector cannot be used.
    """
    source = Path(source)
    if not source.exists():
        raise PrerollError(f"video {source}: no such file or folder")
    if not source.is_file() and not source.is_dir():
        raise PrerollError(f"video {source}: not a regular file, nor a folder of frames")
    overlay = None if overlay is None else Path(overlay)
    if overlay is not None:
        _check_overlay(source, overlay, segment)
    given = (
        None
        if detector is None and not segment and card is None and trust is None
        else Path(detector or _usual(segment))
    )
    found = None if given is None else ModelFile.find(given, Path(card) if isinstance(card, str) else card, trust)
    choice = usual_or(found, lambda: Looked.of(drawn([source], workers=1, limits=limits)))
    model = _adjusted(choice.model, segment, top)
    pool = VideoPool(model, workers=1, limits=limits)
    pool.check()
    ((_, analysis),) = pool.map([VideoJob(source, fast=fast, overlay=overlay)], progress)
    if not analysis.usable:
        raise PrerollError(f"video {source}: {analysis.status}: {analysis.reason}")
    table = as_table(analysis, model.card.classes, segment=segment)
    table.attrs["detector"], table.attrs["note"] = model.card.name, choice.note("preroll detect …")
    return table


def _usual(segment: bool) -> Path:
    return EMBEDDED_SEGMENTER if segment else EMBEDDED


def _check_overlay(source: Path, overlay: Path, segment: bool) -> None:
    if not segment:
        raise PrerollError("--overlay: only objects can be drawn; give --segment too")
    one, other = source.resolve(), overlay.resolve()
    if one == other or one in other.parents or other in one.parents:
        raise PrerollError(f"--overlay {overlay}: must not lie in {source}, nor hold it; give another folder")
    check_only_frames(overlay, "--overlay")
    with atomic.writing(overlay, f"--overlay {overlay}"):  # the worker writes it: what hinders it is found before
        pass


def _adjusted(model: ModelFile, segment: bool, top: int | None) -> ModelFile:
    """Checks ``segment`` and ``top`` against the card and returns the model with its card's ``top`` replaced."""
    if segment and not model.card.finds_objects:
        raise PrerollError(
            f"--segment: {model.model} is a classifier, which says what a frame shows and not where;"
            " it needs a card with the decoder boxes, yolox, yolo-seg, maskrcnn or semantic"
        )
    if top is None:
        return model
    if top < 1:
        raise PrerollError(f"--top {top}: must be at least 1")
    if model.card.finds_objects:
        raise PrerollError(f"--top {top}: is for classifiers, and {model.model} finds objects")
    return replace(model, card=model.card.model_copy(update={"top": top}))


def as_table(analysis: Analysis, classes: tuple[str, ...], *, segment: bool = False) -> pd.DataFrame:
    """Converts an analysis to the table that :func:`detect` returns."""
    found = analysis.found
    names = [classes[label] for label in found.label]
    times = (found.frame / FRAMES_PER_SECOND).round(3)
    table = pd.DataFrame({"frame": found.frame + 1, "time": times, "class": names, "confidence": found.confidence})
    if segment:
        table["area"] = found.area.astype(float).round(3)
        table[["x0", "y0", "x1", "y1"]] = found.box.astype(float).round(1)
    else:
        # Objects of one class in a frame are ordered by decreasing confidence, so the best one is kept.
        table = table.drop_duplicates(["frame", "class"], ignore_index=True)
    for key in ("frames", "status", "reason", "coverage", "duration"):
        table.attrs[key] = getattr(analysis, key)
    return table


def class_summary(table: pd.DataFrame) -> pd.DataFrame:
    """Summarises a table of :func:`detect` by class.

    Returns:
        One row per class, in order of decreasing importance, with the columns ``class``, ``frames`` (number in which it
        was found), ``mean`` (confidence in these) and ``importance`` (mean of the largest confidence over all sampled
        frames).
    """
    best = table.groupby(["class", "frame"])["confidence"].max().astype("float64").groupby("class")
    summary = pd.DataFrame({"frames": best.size(), "mean": best.mean()})
    summary["importance"] = summary["mean"] * summary["frames"] / max(table.attrs["frames"], 1)
    return summary.reset_index().sort_values(["importance", "class"], ascending=[False, True], ignore_index=True)
