"""Features of clips computed from raw media (videos or frames, and sounds); files are named after their clip."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.prediction.framework.bad_input import Skipping
from preroll.perception.prediction.memorability.log_mel import log_mel_statistics
from preroll.perception.prediction.memorability.sound import SUFFIXES, read_sound


def audio_statistics(folder: Path, skipping: Skipping) -> dict[str, NDArray[np.float64]]:
    """Computes log-mel statistics of every audio or video file in a folder, float64 [128] by name without suffix."""
    found: dict[str, NDArray[np.float64]] = {}
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES):
        if path.stem in found:
            skipping.bad(path, "", f"another file is the sound of {path.stem!r} as well; names must differ")
            continue
        try:
            found[path.stem] = log_mel_statistics(*read_sound(path))
        except ValueError as error:
            skipping.bad(path, "", str(error))
    return found


def frame_means(folder: Path, encoder: Path, skipping: Skipping) -> dict[str, NDArray[np.float64]]:
    """Computes the mean embedding of each clip's frames.

    Args:
        folder: folder with ``frames/CLIP/1.jpg, …``, or else ``videos/CLIP.mp4``.
        encoder: ONNX image encoder.
        skipping: policy for unusable clips.

    Returns:
        float64 [D] by clip.

    Raises:
        PrerollError: the folder has neither frames nor videos, or the encoder cannot be used.
    """
    from preroll.perception.analysis.encoder import EncoderFile
    from preroll.perception.video_embeddings import analyzed, videos_in

    places = [place for place in (folder / "frames", folder / "videos") if place.is_dir()]
    if not places:
        raise PrerollError(f"data.raw: {folder}: has neither frames/ nor videos/")
    listed = videos_in(places[:1])
    done = dict(analyzed(listed, EncoderFile.find(encoder)))
    for name, path in listed:
        if not done[name].usable:
            skipping.bad(path, "", f"{done[name].status}: {done[name].reason}")
    return {name: done[name].vectors.mean(0, dtype=np.float64) for name, _ in listed if done[name].usable}
