"""Sampling of a video at a constant rate of presentation time, in one forward pass that holds one frame at a time.

At the times 0, 1/rate, 2/rate, … after the first frame, the frame on screen is sampled: the last one that began at or
before that time. Frame rates, variable rates and start offsets need no special treatment.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av import VideoFrame

from preroll.perception.video.containers import open_local
from preroll.perception.video.frame_folders import NO_MEMORY, numbered_pictures, read_picture

FRAMES_PER_SECOND = 3
#: Longest time that a frame is held on screen [s], so that one wrong timestamp does not yield millions of samples.
LONGEST_HOLD = Fraction(60)


class UnreadableError(Exception):
    """Raised for a file that yields no frame at all; ``status`` is ``unreadable`` or ``damaged``."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class FrameSample:
    """One sampled frame.

    Attributes:
        frame: as returned by the decoder.
        time: time of the sample since the first frame [s].
        turns: quarter turns counter-clockwise that bring the frame upright.
        aspect: width of one pixel divided by its height.
    """

    frame: VideoFrame
    time: Fraction
    turns: int = 0
    aspect: Fraction = Fraction(1)


@dataclass
class Decoding:
    """Statistics of decoding a video; complete when its samples are exhausted.

    Attributes:
        frames: number of decoded frames.
        corrupt: number of frames that the decoder itself flagged as damaged.
        seconds: decoded presentation time [s].
        expected: presentation time that the container declares [s]; None if it declares none.
        step: duration of a frame if the next one does not determine it [s].
        error: the error that stopped decoding; empty if it reached the end.
    """

    frames: int = 0
    corrupt: int = 0
    seconds: Fraction = Fraction(0)
    expected: Fraction | None = None
    step: Fraction = Fraction(1, FRAMES_PER_SECOND)
    error: str = ""

    @property
    def coverage(self) -> float | None:
        """Share of the declared time that was decoded, in [0, 1]; None if none was declared."""
        if not self.expected:
            return None
        return min(1.0, float(self.seconds / self.expected))

    @property
    def missing(self) -> Fraction:
        """Declared time that was not decoded [s]."""
        return max(Fraction(0), (self.expected or Fraction(0)) - self.seconds)


def sample(
    path: Path, decoding: Decoding, *, rate: int = FRAMES_PER_SECOND, fast: bool = False
) -> Iterator[FrameSample]:
    """Samples a video file, or a folder of frames 1.jpg, 2.jpg, … that was sampled before.

    Args:
        path: the video file or folder.
        decoding: updated in place with the statistics of decoding.
        rate: samples per second.
        fast: skip the frames that no other frame refers to; about half of the work for the same number of samples,
            which may be a few frames older.

    Yields:
        The samples in order. An error in the middle of a file ends them and is recorded in ``decoding``: frames decoded
        after an error refer to frames that were never decoded.

    Raises:
        UnreadableError: if not a single frame can be decoded.
    """
    if path.is_dir():
        yield from _sample_folder(path, decoding, rate)
    else:
        yield from _sample_video(path, decoding, rate, fast)


def _sample_folder(folder: Path, decoding: Decoding, rate: int) -> Iterator[FrameSample]:
    pictures = numbered_pictures(folder)
    decoding.expected = Fraction(len(pictures), rate)
    for number, path in enumerate(pictures):
        try:
            frame = VideoFrame.from_ndarray(read_picture(path), format="rgb24")
        except ValueError as error:
            decoding.error = str(error)
            break
        decoding.frames += 1
        decoding.seconds = Fraction(decoding.frames, rate)
        yield FrameSample(frame, Fraction(number, rate))
    if not decoding.frames:
        raise UnreadableError("damaged", decoding.error or "a folder without frames 1.jpg, 2.jpg, …")


def _sample_video(path: Path, decoding: Decoding, rate: int, fast: bool) -> Iterator[FrameSample]:
    with _opened(path) as container:
        stream = _video_stream(container)
        # With frame threads, damaged files decode differently each time; each worker process has one core anyway.
        stream.codec_context.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        if fast:
            stream.codec_context.skip_frame = "NONREF"
        decoding.expected = _promised(container, stream)
        decoding.step = 1 / Fraction(stream.average_rate or stream.guessed_rate or 25)
        # In PyAV every frame has the time base of its stream.
        clock = _Clock(stream.time_base or Fraction(1, 90_000), decoding.step)
        frames = _decoded(_forward(container, stream, clock) if fast else container.decode(stream), decoding)
        yield from _shown(frames, clock, decoding, rate, _aspect(stream))


class _Clock:
    """Presentation time in integer units of the stream's time base.

    Fractions would dominate the cost per frame.

    Attributes:
        base: the unit [s].
        step: units from a frame to the next, if that has no timestamp.
        time: time of the latest frame since the first.
        end: end of the packets that were read, since the first frame; only updated by :func:`_forward`.
    """

    def __init__(self, base: Fraction, step: Fraction) -> None:
        self.base = base
        self.step = max(1, round(step / base))
        self.time = -self.step
        self.end = 0
        self._began: int | None = None

    def tell(self, frame: VideoFrame) -> int:
        """Returns the time of the next frame, extrapolated if it has no timestamp."""
        time = self.time + self.step
        if frame.pts is not None:
            if self._began is None:
                self._began = frame.pts
            time = frame.pts - self._began
        # Frames arrive in presentation order; one with an earlier timestamp is shown immediately.
        self.time = max(time, self.time, 0)
        return self.time

    def read(self, packet: "av.Packet[av.VideoStream]") -> None:
        """Updates ``end`` with the end of a packet."""
        if packet.pts is not None and self._began is not None:
            self.end = max(self.end, packet.pts + (packet.duration or self.step) - self._began)


def _shown(
    frames: Iterator[VideoFrame], clock: _Clock, decoding: Decoding, rate: int, aspect: Fraction
) -> Iterator[FrameSample]:
    """Yields the frame on screen at each tick of 1 / rate seconds."""
    # In integers, tick / rate < time · base is tick · down < time · up.
    up, down = clock.base.numerator * rate, clock.base.denominator
    longest = int(LONGEST_HOLD / clock.base)
    tick, since = 0, 0
    shown: VideoFrame | None = None
    for frame in frames:
        time = clock.tell(frame)
        if shown is not None and tick * down < time * up:
            hold = min(time, since + longest) * up
            while tick * down < hold:
                yield _sampled(shown, tick, rate, aspect)
                tick += 1
            tick = max(tick, -(-time * up // down))
        shown, since = frame, time
    if shown is None:
        raise UnreadableError("damaged", decoding.error or "not one frame could be decoded")
    decoding.seconds = max(since * clock.base + decoding.step, clock.end * clock.base)
    last = min(decoding.seconds, since * clock.base + LONGEST_HOLD)
    while Fraction(tick, rate) < last:
        yield _sampled(shown, tick, rate, aspect)
        tick += 1


def _sampled(frame: VideoFrame, tick: int, rate: int, aspect: Fraction) -> FrameSample:
    return FrameSample(frame, Fraction(tick, rate), round(frame.rotation / 90) % 4, aspect)


def _forward(container: "av.container.InputContainer", stream: "av.VideoStream", clock: _Clock) -> Iterator[VideoFrame]:
    """Decodes packet by packet: if frames are skipped, only the packets show where the video ends."""
    for packet in container.demux(stream):
        yield from packet.decode()
        clock.read(packet)


def _decoded(frames: Iterator[VideoFrame], decoding: Decoding) -> Iterator[VideoFrame]:
    """Yields and counts every frame; an error ends them and is recorded."""
    while True:
        try:
            frame = next(frames)
        except StopIteration:
            return
        except (av.FFmpegError, ValueError, MemoryError) as error:
            decoding.error = _said(error)
            return
        decoding.frames += 1
        if frame.is_corrupt:
            decoding.corrupt += 1
        yield frame


def _opened(path: Path) -> "av.container.InputContainer":
    try:
        return open_local(path)
    except (av.FFmpegError, OSError, ValueError, MemoryError) as error:
        raise UnreadableError("unreadable", f"not a video that can be opened: {_said(error)}") from None


def _video_stream(container: "av.container.InputContainer") -> "av.VideoStream":
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            if stream.codec_context is None:
                raise UnreadableError("unreadable", "its video codec is not known")
            return stream
    kinds = sorted({stream.type or "unknown" for stream in container.streams})
    raise UnreadableError("unreadable", f"it has no video, only: {', '.join(kinds) or 'nothing'}")


def _promised(container: "av.container.InputContainer", stream: "av.VideoStream") -> Fraction | None:
    """Returns the declared duration of the video [s]: of the stream, else its tag, else of the container."""
    if stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    promised = _tagged(stream.metadata.get("DURATION", ""))
    if promised is None and container.duration:
        promised = Fraction(container.duration, av.time_base)
    start = Fraction(container.start_time or 0, av.time_base)
    # Matroska counts from zero, however late its first frame is.
    if promised is not None and "matroska" in container.format.name and 0 < start < promised:
        promised -= start
    return promised


def _tagged(tag: str) -> Fraction | None:
    """Parses the duration in a tag such as 00:01:02.500000000 [s]."""
    # Strict pattern, because Fraction would also accept 1/0 and 1e999999999.
    match = re.fullmatch(r"(\d{1,5}):(\d\d):(\d\d(?:\.\d{1,9})?)", tag)
    return int(match[1]) * 3600 + int(match[2]) * 60 + Fraction(match[3]) if match else None


def _aspect(stream: "av.VideoStream") -> Fraction:
    aspect = stream.sample_aspect_ratio
    return Fraction(aspect) if aspect and Fraction(1, 8) <= aspect <= 8 else Fraction(1)


def _said(error: BaseException) -> str:
    """Returns a library's error message on one line, without the path and number that it adds."""
    if isinstance(error, MemoryError):
        return NO_MEMORY
    text = str(getattr(error, "strerror", None) or error)
    return " ".join(text.split()) or type(error).__name__
