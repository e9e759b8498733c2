"""The sound of a file: the first audio track of any audio or video format, its channels averaged."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from preroll.perception.video import containers

_NAMES = "aac ac3 aif aiff amr ape au caf flac m4a mka mp2 mp3 oga ogg opus tta w64 wav weba wma wv"
#: Suffixes of the files that may hold sound.
SUFFIXES = containers.SUFFIXES | {f".{name}" for name in _NAMES.split()}
# Local files alone, and no playlists, which name other files.
_DEMUXERS = f"{containers.DEMUXERS} aac ac3 aiff amr ape au caf eac3 flac mp3 tta w64 wav wv"
#: Minimum sampling rate [Hz]; at lower rates most bands are empty.
LEAST_RATE = 1000
#: Maximum number of samples, 93 minutes at 48 kHz: a small file can stand for days of silence.
MOST_SAMPLES = 1 << 28
Floats = NDArray[np.float64]


def read_sound(path: Path) -> tuple[Floats, int]:
    """Reads the first audio track of a file and averages its channels.

    Args:
        path: an audio or video file.

    Returns:
        Samples float64 [n] in [−1, 1], and the sampling rate [Hz].

    Raises:
        ValueError: the file cannot be decoded to its end, holds no sound or too much, or its rate is below 1000 Hz.
    """
    parts: list[Floats] = []
    rates: dict[int, None] = {}
    samples = 0
    try:
        with containers.open_local(path, _DEMUXERS) as container:
            for frame in container.decode(_track(container)):
                parts.append(_mono(frame))
                rates[frame.sample_rate] = None
                if (samples := samples + frame.samples) > MOST_SAMPLES:
                    raise ValueError(f"is longer than {MOST_SAMPLES:,} samples")
    except (av.FFmpegError, OSError, MemoryError) as error:
        raise ValueError(f"cannot be decoded: {getattr(error, 'strerror', None) or 'out of memory'}") from None
    if not samples:
        raise ValueError("holds no sound")
    if len(rates) > 1 or min(rates) < LEAST_RATE:
        raise ValueError(f"has {' and '.join(map(str, rates))} Hz; must have one rate of {LEAST_RATE} Hz or more")
    sound = np.concatenate(parts)
    if not np.isfinite(sound).all():
        raise ValueError("holds samples that are not finite")
    return np.clip(sound, -1, 1), min(rates)


def _track(container: "av.container.InputContainer") -> "av.AudioStream":
    """Returns the first audio track, whose decoder uses one thread: with more, damage decodes differently each time."""
    for stream in container.streams.audio:
        if stream.codec_context is None:
            raise ValueError("its audio codec is not known")
        stream.codec_context.thread_type = "NONE"
        return stream
    raise ValueError("holds no sound")


def _mono(frame: "av.AudioFrame") -> Floats:
    """Returns the mean of the channels; integers become shares of full scale."""
    values = frame.to_ndarray()
    values = values.T if frame.format.is_planar else values.reshape(-1, frame.layout.nb_channels)
    if np.issubdtype(values.dtype, np.integer):
        # Bytes are unsigned, all other integers signed.
        values = values.astype(np.float64) / 2.0 ** (8 * values.itemsize - 1) - (values.dtype == np.uint8)
    mean: Floats = values.mean(1, dtype=np.float64)
    return mean
