"""Log-mel statistics of a sound: mean and standard deviation over time of the energy in 64 bands."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BANDS = 64
#: Length and step of a window [s].
WINDOW, STEP = 0.025, 0.010
#: Lowest and highest frequency of the bands [Hz].
LOW, HIGH = 125.0, 7500.0
#: Minimum sampling rate [Hz]; at lower rates most bands are empty.
LEAST_RATE = 1000
_TINY = 1e-10
Floats = NDArray[np.float64]


def read_wave(path: Path) -> tuple[Floats, int]:
    """Reads a .wav file and averages its channels.

    Args:
        path: the file.

    Returns:
        Samples float64 [n] in [−1, 1], and the sampling rate [Hz].

    Raises:
        ValueError: the file is not an uncompressed wave file of 8, 16, 24 or 32 bits, its rate is below 1000 Hz, or it
            is empty.
    """
    try:
        with wave.open(str(path), "rb") as file:
            channels, size, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            raw = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        # An EOFError has no message.
        raise ValueError(f"is no wave file: {str(error) or 'it ends too early'}") from None
    if size > 4 or rate < LEAST_RATE:
        raise ValueError(f"has {8 * size} bits at {rate} Hz; must have 8, 16, 24 or 32 at {LEAST_RATE} Hz or more")
    if size == 3:
        # 24 bits become 32 by a zero byte in the lowest place.
        bytes_ = np.frombuffer(raw, np.uint8)[: len(raw) // 3 * 3].reshape(-1, 3)
        values = np.pad(bytes_, ((0, 0), (1, 0))).copy().view("<i4")[:, 0].astype(np.float64) / 2**31
    elif size == 1:
        # 8 bits are unsigned, all other widths signed.
        values = np.frombuffer(raw, np.uint8).astype(np.float64) / 128 - 1
    else:
        whole = raw[: len(raw) // size * size]
        values = np.frombuffer(whole, {2: "<i2", 4: "<i4"}[size]).astype(np.float64) / 2.0 ** (8 * size - 1)
    values = values[: len(values) // channels * channels].reshape(-1, channels).mean(1)
    if not len(values):
        raise ValueError("holds no sound")
    return values, rate


def log_mel_statistics(sound: Floats, rate: int) -> Floats:
    """Computes mean and standard deviation over time of log(mel energy) in 64 bands.

    Args:
        sound: float64 [n], one channel in [−1, 1].
        rate: sampling rate [Hz].

    Returns:
        float64 [128]: the 64 means, then the 64 standard deviations.
    """
    size, step = max(2, round(WINDOW * rate)), max(1, round(STEP * rate))
    sound = np.pad(sound, (0, max(0, size - len(sound))))
    windows = np.lib.stride_tricks.sliding_window_view(sound, size)[::step]
    power = np.abs(np.fft.rfft(windows * np.hanning(size))) ** 2 / size
    levels = np.log(power @ mel_filters(size, rate).T + _TINY)
    return np.concatenate((levels.mean(0), levels.std(0)))


def mel_filters(size: int, rate: int) -> Floats:
    """Returns triangular filters evenly spaced on the mel scale 2595·log10(1 + f/700), float64 [64, size // 2 + 1].

    Args:
        size: samples of a window.
        rate: sampling rate [Hz].
    """
    high = min(HIGH, rate / 2)
    low, top = (2595 * np.log10(1 + frequency / 700) for frequency in (LOW, high))
    mels = np.linspace(low, top, BANDS + 2)
    corners = 700 * (10 ** (mels / 2595) - 1)
    frequencies = np.fft.rfftfreq(size, 1 / rate)
    rising = (frequencies - corners[:-2, None]) / (corners[1:-1] - corners[:-2])[:, None]
    falling = (corners[2:, None] - frequencies) / (corners[2:] - corners[1:-1])[:, None]
    filters: Floats = np.maximum(0, np.minimum(rising, falling))
    return filters
