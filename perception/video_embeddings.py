"""Frame embeddings of videos, three frames per second, computed in worker processes: one .npy file per video.

The folder is filled file by file, so that a killed command resumes; its manifest is written at the end.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from preroll.errors import PrerollError
from preroll.files import atomic, manifest, sealed
from preroll.files.manifest import strangers
from preroll.perception.analysis.analysis import Analysis
from preroll.perception.analysis.encoder import EncoderFile
from preroll.perception.video.containers import SUFFIXES
from preroll.perception.video.frame_folders import numbered_pictures
from preroll.perception.workers.pool import VideoJob, VideoPool
from preroll.workers.job import Limits

KIND = "embeddings"
RECIPE, PROBLEMS = "encoder.json", "problems.json"


def videos_in(places: Sequence[Path]) -> list[tuple[str, Path]]:
    """Lists every video, or folder of frames 1.jpg, 2.jpg, …, in files and folders.

    Args:
        places: files and folders to search.

    Returns:
        Pairs (id, path), sorted. The id of a video is its path relative to the searched folder, without the suffix:
        CATEGORY/VIDEO.

    Raises:
        PrerollError: if there is no video, or two would have the same id.
    """
    found: dict[str, Path] = {}
    for place in places:
        if not place.exists():
            raise PrerollError(f"{place}: there is no such file or folder")
        for name, path in _videos_of(place):
            if name in found:
                raise PrerollError(f"{path}: would be called {name!r}, as {found[name]}; embed them to two folders")
            found[name] = path
    if not found:
        raise PrerollError(f"{places[0]}: holds no video and no folder of frames 1.jpg, 2.jpg, …")
    return sorted(found.items())


def _videos_of(place: Path) -> Iterator[tuple[str, Path]]:
    if place.is_file() or numbered_pictures(place):
        yield place.stem if place.is_file() else place.name, place
        return
    for path in sorted(place.rglob("*")):
        name = path.relative_to(place)
        if any(part.startswith(".") for part in name.parts):
            continue
        if path.is_file() and path.suffix.lower() in SUFFIXES:
            yield name.with_suffix("").as_posix(), path
        elif path.is_dir() and numbered_pictures(path):
            yield name.as_posix(), path


def embed_videos(
    videos: str | Path | Sequence[tuple[str, str | Path]],
    encoder: str | Path | EncoderFile,
    out: str | Path,
    *,
    workers: int | None = None,
    limits: Limits | None = None,
    fast: bool = False,
    started: Callable[[int], Callable[[int], None]] = lambda _: lambda _: None,
) -> dict[str, dict[str, str]]:
    """Writes ``out``/ID.npy, float32 [frames, D], for each video that has none yet.

    Also writes ``encoder.json`` (the encoder's card and settings) and ``problems.json`` (videos whose status is not
    ``ok``, with the reason). Embeddings that are not what was written are computed again.

    Args:
        videos: a folder, or pairs (id, file or folder of frames).
        encoder: the frame encoder: name, ONNX file with a card, or object.
        out: output folder; created if missing.
        workers: number of processes; one per core by default.
        limits: time and memory limits of each worker.
        fast: skip the frames that no other frame refers to.
        started: called with the number of videos to embed once the encoder has been tried; the callable it returns is
            called with 1 after each video.

    Returns:
        ``status`` and ``reason`` by id of every video that is not ``ok``, including those of earlier calls.

    Raises:
        PrerollError: if the encoder cannot be used, ``out`` contains embeddings of another encoder or something else,
            or another process is writing it.
    """
    encoder = encoder if isinstance(encoder, EncoderFile) else EncoderFile.find(Path(encoder))
    listed = videos_in([Path(videos)]) if isinstance(videos, str | Path) else [(name, Path(at)) for name, at in videos]
    out = Path(out)
    with atomic.writing_within(out, f"--out {out}"):
        return _filled(listed, encoder, out, workers, limits, fast, started)


def _filled(
    videos: Sequence[tuple[str, Path]],
    encoder: EncoderFile,
    out: Path,
    workers: int | None,
    limits: Limits | None,
    fast: bool,
    started: Callable[[int], Callable[[int], None]],
) -> dict[str, dict[str, str]]:
    _check_recipe(out, {"fast": fast, **encoder.card.without_words.model_dump(mode="json")})
    written = _written(out)
    todo = [(name, path) for name, path in videos if not _is_sound(out, f"{name}.npy", written)]
    problems: dict[str, dict[str, str]] = {}
    try:
        problems = _read(out / PROBLEMS) or {}
    except sealed.DamagedError:
        todo = list(videos)  # which of them were read only in part is found again
    for name, _ in todo:
        problems.pop(name, None)
    if todo:
        for name, found in analyzed(todo, encoder, workers=workers, limits=limits, fast=fast, started=started):
            if found.usable:
                atomic.save_array(out / f"{name}.npy", found.vectors)
            if found.status != "ok":
                problems[name] = {"status": found.status, "reason": found.reason}
                atomic.write_sealed(out / PROBLEMS, problems)
        manifest.write(out, KIND)
    return {name: problems[name] for name, _ in videos if name in problems}


def analyzed(
    videos: Sequence[tuple[str, Path]],
    encoder: EncoderFile,
    *,
    workers: int | None = None,
    limits: Limits | None = None,
    fast: bool = False,
    started: Callable[[int], Callable[[int], None]] = lambda _: lambda _: None,
) -> Iterator[tuple[str, Analysis]]:
    """Embeds videos in worker processes and yields pairs (id, analysis) in order of completion."""
    with closing(VideoPool(encoder, workers=workers, limits=limits)) as pool:
        pool.check()
        advance = started(len(videos))
        for number, found in pool.map([VideoJob(path, fast=fast) for _, path in videos]):
            yield videos[number][0], found
            advance(1)


def _check_recipe(out: Path, recipe: dict[str, Any]) -> None:
    """Records the recipe of the embeddings in a folder, or checks that existing ones were made by the same recipe."""
    known = _read(out / RECIPE)
    if known is None:
        if there := strangers(out, {manifest.NAME}):
            raise PrerollError(f"--out {out}: holds {there[0]}, and no {RECIPE} of embeddings; name another folder")
        atomic.write_sealed(out / RECIPE, recipe)
    elif known != json.loads(json.dumps(recipe)):
        raise PrerollError(f"--out {out}: holds embeddings of another encoder, card or --fast; name another folder")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return sealed.read(path)
    except FileNotFoundError:
        return None


def _written(out: Path) -> manifest.Manifest | None:
    """Returns the manifest of the last command that came to its end; None if there is none that can be read."""
    try:
        return manifest.read(out, KIND)
    except (FileNotFoundError, PrerollError):
        return None


def _is_sound(out: Path, name: str, written: manifest.Manifest | None) -> bool:
    """Returns whether the embeddings of a video are there and, as far as can be told, what was written."""
    if not (out / name).is_file():
        return False
    try:
        if written is not None and name in written.files:
            written.verified(name)
            return True
        vectors = np.load(out / name, allow_pickle=False)  # of a command that was killed later
        return isinstance(vectors, np.ndarray) and vectors.ndim == 2 and bool(np.isfinite(vectors).all())
    except Exception:  # a damaged header may raise almost any
        return False
