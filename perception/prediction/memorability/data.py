"""Clips with captions, audio, C3D or frame features, joined by name and never by the order of rows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.prediction.formats.memorability_csv import (
    AUDIO_COLUMNS,
    C3D_COLUMNS,
    GroundTruth,
    read_captions,
    read_ground_truth,
    read_vectors,
)
from preroll.perception.prediction.framework.bad_input import Skipping
from preroll.perception.prediction.framework.first_few import first_few
from preroll.perception.prediction.framework.settings import MemorabilityData
from preroll.perception.prediction.memorability.feature_blocks import Floats


@dataclass(frozen=True)
class Features:
    """Features of clips, by name of the clip.

    Attributes:
        captions: captions by clip; None if there is no table of captions.
        vectors: vectors by clip, for each block (``audio``, ``c3d``, ``frames``).
    """

    captions: dict[str, str] | None
    vectors: dict[str, dict[str, NDArray[np.float64]]]

    @property
    def clips(self) -> list[str]:
        """Sorted names of the clips in any of the tables."""
        return sorted({*(self.captions or {}), *(name for table in self.vectors.values() for name in table)})

    def texts(self, names: Sequence[str]) -> list[str | None]:
        """Returns the captions of the given clips; None for a clip without caption."""
        return [(self.captions or {}).get(name) for name in names]

    def matrix(self, block: str, names: Sequence[str]) -> Floats:
        """Returns the vectors of a block for the given clips, float64 [n, d]; NaN rows for missing clips."""
        table = self.vectors[block]
        width = len(next(iter(table.values())))
        rows = np.full((len(names), width), np.nan)
        for row, name in enumerate(names):
            if name in table:
                rows[row] = table[name]
        return rows

    def differences(self, names: Sequence[str]) -> tuple[str, ...]:
        """Describes, in one line each, the scored clips that a table lacks and the clips without score that it has."""
        tables: dict[str, Collection[str] | None] = {"captions": self.captions, **self.vectors}
        scored, notes = set(names), []
        for block, table in tables.items():
            if table is None:
                continue
            if missing := [name for name in names if name not in table]:
                few = first_few(missing)
                notes.append(f"{block} lack {len(missing)} of {len(names)} clips: {few}; the mean is used.")
            if other := [name for name in table if name not in scored]:
                few = first_few(other)
                notes.append(f"{block} hold clips without a score ({len(other)}), from which nothing is learnt: {few}.")
        return tuple(notes)


@dataclass(frozen=True)
class ScoredClips:
    """Clips with measured memorability, and their features.

    Attributes:
        truth: names, movies, scores and numbers of annotators.
        features: features of these and perhaps other clips.
        names: names of the predicted quantities: ``memorability``.
    """

    truth: GroundTruth
    features: Features
    names: tuple[str, ...] = ("memorability",)


def read_features(data: MemorabilityData, skipping: Skipping) -> Features:
    """Reads the tables of features named in the settings, and computes features from raw media.

    Raises:
        PrerollError: no features are named, or a table is bad or empty.
    """
    captions = None if data.captions is None else read_captions(data.captions, skipping)
    vectors = {}
    if data.audio is not None:
        vectors["audio"] = read_vectors(data.audio, AUDIO_COLUMNS, skipping, once=False)
    if data.c3d is not None:
        vectors["c3d"] = read_vectors(data.c3d, C3D_COLUMNS, skipping, once=True)
    if data.raw is not None:
        vectors |= _raw(data.raw, data.encoder, skipping, audio=data.audio is None)
    empty = [block for block, table in {"captions": captions, **vectors}.items() if table is not None and not table]
    if empty:
        raise PrerollError(f"data.{empty[0]}: holds no usable clip")
    if captions is None and not vectors:
        raise PrerollError("data: names no features; give captions, audio, c3d or raw")
    return Features(captions, vectors)


def read_clips(data: MemorabilityData, skipping: Skipping) -> ScoredClips:
    """Reads scores and features; clips without scores are kept for ``apply``.

    Raises:
        PrerollError: data are bad, or no scored clip is in any table of features.
    """
    truth = read_ground_truth(data.ground_truth, skipping)
    features = read_features(data, skipping)
    known = set(features.clips)
    if not any(name in known for name in truth.names):
        raise PrerollError(f"{data.ground_truth}: no clip of it is in any table of features; compare sequence_name")
    return ScoredClips(truth, features)


def _raw(
    folder: Path, encoder: Path | None, skipping: Skipping, *, audio: bool
) -> dict[str, dict[str, NDArray[np.float64]]]:
    from preroll.perception.prediction.memorability.raw_media import audio_statistics, frame_means

    found = {}
    if audio and (folder / "audios").is_dir():
        found["audio"] = audio_statistics(folder / "audios", skipping)
    if encoder is not None:
        found["frames"] = frame_means(folder, encoder, skipping)
    if not found:
        raise PrerollError(f"data.raw: {folder}: give data.encoder for its videos or frames, or put sounds in audios/")
    return found
