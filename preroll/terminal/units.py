"""Sizes and time limits such as ``2GiB`` and ``60+10x``, read and written."""

import math
import re

from preroll.errors import PrerollError

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def parse_size(text: str, option: str) -> int:
    """Converts ``2GiB``, ``512 MB``, ``1.5g`` or a number of bytes to bytes; K, M and G are powers of 1,024.

    Raises:
        PrerollError: naming the option.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", text.strip().lower())
    size = 0 if match is None else int(float(match[1]) * _UNITS[match[2]])
    if not 0 < size < 1 << 60:
        raise PrerollError(f"{option} {text}: must be a size, such as 512MiB or 2GiB")
    return size


def format_size(size: int) -> str:
    """Returns a number of bytes as a size for people, as :func:`parse_size` reads it.

    Examples:
        >>> format_size(0), format_size(1023), format_size(1536), format_size(5 << 40)
        ('0 B', '1023 B', '1.5 KiB', '5.0 TiB')
    """
    power = min(max(size.bit_length() - 1, 0) // 10, 4)
    return f"{size / (1 << 10 * power):.1f} {' KMGT'[power]}iB" if power else f"{size} B"


def parse_time_limit(text: str, option: str) -> tuple[float, float]:
    """Converts ``60+10x`` to 60 s plus ten times the video's duration, and ``30`` to 30 s for any video.

    Returns:
        Seconds, and seconds per second of video.

    Raises:
        PrerollError: naming the option.
    """
    number = r"(\d+(?:\.\d*)?|\.\d+)"
    match = re.fullmatch(rf"{number}(?:\s*\+\s*{number}\s*x)?", text.strip().lower())
    seconds, times = (float(match[1]), float(match[2] or 0)) if match else (0.0, 0.0)
    if not (0 < seconds < math.inf and times < math.inf):
        raise PrerollError(f"{option} {text}: must be seconds, such as 30, or 60+10x for ten times the duration more")
    return seconds, times
