"""Embedding the frames of videos, three a second: one .npy a video."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll import atomic
from preroll.errors import PrerollError
from preroll.perception.frames import Decoding, UnreadableError, sample
from preroll.perception.geometry import Fitter, Pixels
from preroll.perception.listing import SUFFIXES
from preroll.perception.pictures import numbered_pictures
from preroll.perception.prediction.encoder import Encoder
from preroll.perception.prediction.skipping import Skipping


def videos_in(places: Sequence[Path]) -> list[tuple[str, Path]]:
    """Every video, or folder of frames 1.jpg, 2.jpg, …, in files and folders, with the id that it gets.

    A video's id is its path below the folder that was given, without the suffix: CATEGORY/VIDEO.

    Raises:
        PrerollError: there is none, or two would have one id.
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
    videos: Sequence[tuple[str, Path]], encoder: Encoder, out: Path, skipping: Skipping, advance: Callable[[int], None]
) -> int:
    """Writes ``out``/ID.npy, float32 [frames, D], for each video.

    Args:
        videos: (id, file or folder of frames).
        encoder: of the frames.
        out: folder; made if missing.
        skipping: what to do about a video without a frame.
        advance: is called with 1 after each video.

    Returns:
        How many were written.
    """
    done = 0
    for name, path in videos:
        try:
            atomic.save_array(out / f"{name}.npy", embed(path, encoder))
            done += 1
        except UnreadableError as error:
            skipping.bad(path, "", str(error))
        advance(1)
    return done


def embed(path: Path, encoder: Encoder) -> NDArray[np.float32]:
    """The embeddings of one video's frames, float32 [frames, D]; of a damaged one those up to the damage.

    Raises:
        UnreadableError: it has not one frame.
    """
    fitter = Fitter(encoder.fit)
    frames: Iterator[Pixels] = (
        fitter(one.frame, turns=one.turns, aspect=one.aspect) for one in sample(path, Decoding())
    )
    parts = []
    while batch := list(islice(frames, encoder.batch)):
        parts.append(encoder.embed(batch))
    return np.concatenate(parts)
