"""Log-mel statistics of a sound: mean and standard deviation over time of the energy in 64 bands."""

import numpy as np
from numpy.typing import NDArray

BANDS = 64
#: Length and step of a window [s].
WINDOW, STEP = 0.025, 0.010
#: Lowest and highest frequency of the bands [Hz].
LOW, HIGH = 125.0, 7500.0
_TINY = 1e-10
Floats = NDArray[np.float64]


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
