"""Embedding of one video with an encoder: one vector for each sampled frame."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np

from preroll.perception.analysis.analysis import Analysis, judge, track_progress
from preroll.perception.analysis.encoder import Encoder
from preroll.perception.video.resize import Fitter
from preroll.perception.video.sampling import Decoding, UnreadableError, sample


def embed(
    path: Path,
    encoder: Encoder,
    *,
    fast: bool = False,
    progress: Callable[[float, float | None], None] | None = None,
) -> Analysis:
    """Samples a video, embeds its frames and assesses how much could be decoded.

    Of a damaged video, the frames that can be decoded are embedded.

    Args:
        path: a video file, or a folder of numbered frames.
        encoder: the frame encoder.
        fast: skip the frames that no other frame refers to.
        progress: called at each sample with the seconds done and the duration that the file declares [s] (None if
            unknown).

    Returns:
        The status of the video, with the embeddings in ``vectors``.
    """
    decoding, fitter = Decoding(), Fitter(encoder.fit)
    samples = track_progress(sample(path, decoding, fast=fast), decoding, progress)
    frames = (fitter(one.frame, turns=one.turns, aspect=one.aspect, mirrored=one.mirrored) for one in samples)
    parts = []
    try:
        while batch := list(islice(frames, encoder.batch)):
            parts.append(encoder.embed(batch))
    except UnreadableError as error:
        return Analysis(error.status, str(error))
    status, reason = judge(decoding)
    vectors = np.concatenate(parts)
    return Analysis(status, reason, decoding.coverage, frames=len(vectors), vectors=vectors)
