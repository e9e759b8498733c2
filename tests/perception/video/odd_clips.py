"""Clips as they come from strangers: cut, joined, damaged, encrypted, turned, slow.

Frame i of a clip is of one grey, :func:`gray` of i, so that a sample tells which frame it shows.
"""

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from preroll.perception.video.decoding import Decoding
from preroll.perception.video.resize import Fit, Fitter
from preroll.perception.video.sampling import sample

#: A codec for each container whose packets are written as soon as they are encoded.
CODECS = {
    "mp4": "mpeg4", "mov": "mpeg4", "mkv": "mpeg4", "avi": "mpeg4", "nut": "mpeg4", "flv": "flv", "wmv": "wmv2",
    "webm": "libvpx", "gif": "gif", "ts": "mpeg2video", "mpg": "mpeg2video",
    "m2v": "mpeg2video", "mxf": "mpeg2video", "ivf": "libvpx", "3gp": "mpeg4", "m4v": "mpeg4",
}  # fmt: skip
KEY = "00112233445566778899aabbccddeeff"


def gray(number: int) -> int:
    """The grey of a frame; ten in turn."""
    return 30 + 20 * (number % 10)


def write(
    path: Path,
    times: Sequence[Fraction],
    last: Fraction | None = None,
    *,
    codec: str | None = None,
    rate: int = 30,
    size: tuple[int, int] = (64, 48),
    sound: float = 0,
    first: int = 0,
    damaged: Sequence[int] = (),
    options: dict[str, str] | None = None,
    settings: dict[str, str] | None = None,
) -> Path:
    """Writes frames that are shown at the times given [s].

    Args:
        path: the file; its suffix chooses container and codec.
        times: beginning of each frame.
        last: duration of the last frame; one of the rate by default.
        codec: another codec.
        rate: frame rate that the stream declares.
        size: width and height.
        sound: seconds of silence beside the pictures.
        first: number of the first frame.
        damaged: numbers of packets that are overwritten.
        options: of the container.
        settings: of the codec.
    """
    kind = path.suffix[1:]
    ends = [*times[1:], times[-1] + (last or Fraction(1, rate))]
    # GIF counts hundredths of a second; others get a unit that holds the times exactly.
    base = Fraction(1, 100 if kind == "gif" else rate)
    rng = np.random.default_rng(1)
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec or CODECS[kind], rate=rate, options=settings or {})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = {"gif": "gray", "mjpeg": "yuvj420p"}.get(stream.codec_context.name, "yuv420p")
        stream.codec_context.time_base = base
        stream.codec_context.max_b_frames = 0
        voice = (
            container.add_stream("wmav2" if kind == "wmv" else "aac", rate=44100, layout="stereo") if sound else None
        )
        if voice is not None:
            voice.bit_rate = 128_000
        number = 0
        for i in [*range(len(times)), None]:
            packets = stream.encode(None if i is None else _frame(first + i, round(times[i] / base), base, size))
            for packet in packets:
                assert packet.pts is not None
                packet.duration = round((ends[number] - times[number]) / base)
                if number in damaged:
                    packet = _damaged(packet, rng)
                container.mux(packet)
                number += 1
        if voice is not None:
            _silence(container, voice, sound)
    return path


def _frame(number: int, pts: int, base: Fraction, size: tuple[int, int]) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), gray(number), np.uint8), format="rgb24")
    frame.pts, frame.time_base = pts, base
    return frame


def _damaged(packet: "av.Packet[Any]", rng: np.random.Generator) -> "av.Packet[Any]":
    # What marks a unit of H.264 or HEVC stays: otherwise the container does not take it.
    begin = 6 if packet.stream.name in ("libx264", "libx265") else 0
    other: av.Packet[Any] = av.Packet(bytes(packet)[:begin] + rng.bytes(max(packet.size, 40)))
    other.pts, other.dts, other.duration, other.time_base = packet.pts, packet.dts, packet.duration, packet.time_base
    other.stream, other.is_keyframe = packet.stream, packet.is_keyframe
    return other


def _silence(container: "av.container.OutputContainer", stream: "av.AudioStream", seconds: float) -> None:
    size = stream.codec_context.frame_size or 1024
    for start in range(0, int(seconds * 44100), size):
        frame = av.AudioFrame.from_ndarray(np.zeros((2, size), np.float32), format="fltp", layout="stereo")
        frame.rate, frame.pts, frame.time_base = 44100, start, Fraction(1, 44100)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def regular(count: int, rate: int = 30, start: int = 0) -> list[Fraction]:
    """Times of so many frames at a constant rate."""
    return [start + Fraction(i, rate) for i in range(count)]


def on_screen(times: Sequence[Fraction], end: Fraction) -> list[int]:
    """Which frame a player shows at 0, ⅓, ⅔, … seconds after the first one, up to the end: simple arithmetic."""
    zero = times[0]
    found: list[int] = []
    for tick in range(10**6):
        time = zero + Fraction(tick, 3)
        if time >= end:
            return found
        found.append(max(i for i, begun in enumerate(times) if begun <= time))
    raise AssertionError("no end")


def seen(path: Path, decoding: Decoding | None = None) -> list[int]:
    """Which grey each sample shows, 0 … 9."""
    fitter = Fitter(Fit(16, 16, "stretch"))
    pictures = (fitter(one.frame, turns=one.turns) for one in sample(path, decoding or Decoding()))
    return [round((float(one.mean()) - 30) / 20) for one in pictures]


def decoded_by_pyav(path: Path) -> int:
    """How many frames bare PyAV gets out of a file, whatever goes wrong on the way."""
    count = 0
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.video[0]):
            try:
                count += len(packet.decode())
            except av.FFmpegError:
                continue
    return count


def with_matrix(path: Path, matrix: Sequence[int]) -> Path:
    """Writes a display matrix a, b, c, d of whole numbers into the header of an MP4 file's first track."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (value << 16 for value in matrix)
    data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def corners() -> NDArray[np.uint8]:
    """A picture whose four corners differ, uint8 [48, 64, 3]."""
    picture = np.zeros((48, 64, 3), np.uint8)
    for i, (rows, columns) in enumerate(
        ((slice(24), slice(32)), (slice(24), slice(32, 64)), (slice(24, 48), slice(32)))
    ):
        picture[rows, columns, i] = 255
    return picture
