"""Reuse of earlier analyses: those of an interrupted build, and those of the catalog that is replaced."""

from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.files.hashing import sha256_of_text
from preroll.perception.analysis.analysis import Analysis, content_hash
from preroll.perception.analysis.encoder import EncoderFile
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.decoders.detections import VideoDetections
from preroll.perception.ingest.video_folder import SourceVideo
from preroll.perception.onnx_models.model_card import Card
from preroll.perception.onnx_models.model_file import HasModelCard
from preroll.perception.video.frame_folders import numbered_pictures
from preroll.perception.video.sampling import FRAMES_PER_SECOND
from preroll.system.processors import cores

#: Entry of the manifest about the network that embeds, where there is one.
ENCODER = "encoder"
_FOUND = {"class": "label"}
# Libraries whose version can change the result of an analysis.
_LIBRARIES = ("av", "numpy", "onnxruntime", "pillow")


def recipe_of(detector: HasModelCard, fast: bool, encoder: EncoderFile | None = None) -> dict[str, Any]:
    """Returns what an analysis depends on besides its video, as recorded in the manifest."""
    recipe = {
        "frames_per_second": FRAMES_PER_SECOND,
        "fast": fast,
        "detector": _described(detector.card),
        "libraries": {name: version(name) for name in _LIBRARIES},
    }
    return recipe if encoder is None else {**recipe, ENCODER: _described(encoder.card.without_words)}


def _described(card: Card) -> dict[str, str]:
    return {"name": card.name, "sha256": card.sha256, "card_sha256": sha256_of_text(card.model_dump_json())}


def earlier_analyses(out: Path, recipe: Mapping[str, Any]) -> dict[str, Analysis]:
    """Returns the analyses in the catalog at ``out`` by video name; empty if its recipe differs or it was altered."""
    try:
        catalog = Catalog.load(out)
        if any(catalog.manifest.get(key) != value for key, value in recipe.items()):
            return {}
        if catalog.altered():
            return {}
        columns = {_FOUND.get(name, name): column for name, column in catalog.detection_columns.items()}
        table = catalog.videos()
        embedding = catalog.embedding if ENCODER in recipe else None
    except (PrerollError, OSError, ValueError):
        return {}  # all videos are analyzed again
    return {str(video["path"]): _analysis(video, columns, embedding) for video in table.to_dict("records")}


def earlier_predictions(out: Path) -> list[str]:
    """Returns what was predicted about the videos of a catalog at ``out``, which a build does not predict again."""
    try:
        predictions = Catalog.load(out).manifest.get("predictions")
    except (PrerollError, OSError, ValueError):
        return []
    return list(predictions) if isinstance(predictions, dict) else []


def _analysis(
    video: Mapping[Hashable, Any], columns: Mapping[str, NDArray[Any]], embedding: NDArray[np.float16] | None
) -> Analysis:
    """Reconstructs the analysis behind a row of ``videos.csv``."""
    index = int(video["index"])
    start, stop = columns["offsets"][index : index + 2] if index >= 0 else (0, 0)
    found = VideoDetections(
        **{name: np.array(column[start:stop]) for name, column in columns.items() if name != "offsets"}
    )
    coverage, duration = (None if np.isnan(video[name]) else float(video[name]) for name in ("coverage", "duration"))
    facts = video["status"], video["reason"], coverage, duration, int(video["frames"]), video["sha256"]
    if embedding is None or index < 0:
        return Analysis(*facts, found)
    return Analysis(*facts, found, embedding[index : index + 1].astype(np.float32))


def settled(
    videos: Sequence[SourceVideo], known: Mapping[str, Analysis], saved: Sequence[Path | None]
) -> dict[int, Analysis]:
    """Finds the videos whose content is unchanged since an earlier analysis.

    Args:
        videos: all videos.
        known: earlier analyses by name.
        saved: for each video the folder of its saved frames, which must exist; None if frames are not saved.

    Returns:
        The reused analyses by index of the video. A video that exceeded the time limit or killed its worker is tried
        again.
    """
    hopeful = [
        i
        for i, one in enumerate(videos)
        if not one.problem
        and (earlier := known.get(one.path)) is not None
        and earlier.sha256
        and earlier.status != "timeout"
        and _is_saved(saved[i], earlier)
    ]
    with ThreadPoolExecutor(cores()) as threads:
        hashes = threads.map(_hash, [videos[i].file for i in hopeful])
        return {
            i: known[videos[i].path]
            for i, one in zip(hopeful, hashes, strict=True)
            if known[videos[i].path].sha256 == one
        }


def _hash(path: Path) -> str:
    try:
        return content_hash(path)
    except OSError:
        return ""


def _is_saved(folder: Path | None, analysis: Analysis) -> bool:
    if folder is None or not analysis.usable:
        return True
    return folder.is_dir() and len(numbered_pictures(folder)) == analysis.frames
