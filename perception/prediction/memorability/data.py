"""Clips with captions, audio, C3D or frames, joined by name and never by the order of rows."""

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
    """What the tables say about clips, by the clips' names.

    Attributes:
        captions: texts; None where there is no table.
        vectors: tables of vectors by block.
    """

    captions: dict[str, str] | None
    vectors: dict[str, dict[str, NDArray[np.float64]]]

    @property
    def clips(self) -> list[str]:
        """Every clip that any table knows, sorted."""
        return sorted({*(self.captions or {}), *(name for table in self.vectors.values() for name in table)})

    def texts(self, names: Sequence[str]) -> list[str | None]:
        """The captions of these clips, None where one lacks it."""
        return [(self.captions or {}).get(name) for name in names]

    def matrix(self, block: str, names: Sequence[str]) -> Floats:
        """A block's vectors of these clips, float64 [n, d], NaN rows where one lacks it."""
        table = self.vectors[block]
        width = len(next(iter(table.values())))
        rows = np.full((len(names), width), np.nan)
        for row, name in enumerate(names):
            if name in table:
                rows[row] = table[name]
        return rows

    def differences(self, names: Sequence[str]) -> tuple[str, ...]:
        """What each table lacks of the clips that have a score, and what it holds beside them, in one line each."""
        tables: dict[str, Collection[str] | None] = {"captions": self.captions, **self.vectors}
        scored, notes = set(names), []
        for block, table in tables.items():
            if table is None:
                continue
            if missing := [name for name in names if name not in table]:
                few = first_few(missing)
                notes.append(f"{block} lack {len(missing)} of {len(names)} clips: {few}; the mean stands in.")
            if other := [name for name in table if name not in scored]:
                few = first_few(other)
                notes.append(f"{block} hold clips without a score ({len(other)}), from which nothing is learnt: {few}.")
        return tuple(notes)


@dataclass(frozen=True)
class ScoredClips:
    """Clips whose memorability was measured, and their features.

    Attributes:
        truth: names, movies, scores, annotators.
        features: what is known about the clips.
        names: of what is predicted: ``memorability``.
    """

    truth: GroundTruth
    features: Features
    names: tuple[str, ...] = ("memorability",)


def read_features(data: MemorabilityData, skipping: Skipping) -> Features:
    """Reads every table that the settings name, and computes what they ask for from raw material.

    Raises:
        PrerollError: nothing is named, or a table is bad.
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
    """Reads scores and features; clips without scores are left to ``apply``."""
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
