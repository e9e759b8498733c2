"""Sampling a video at a steady rate of presentation time, decoding forward once and holding one frame at a time.

At the times 0, 1/rate, 2/rate, … after the first frame, the frame on screen is taken: the last one that began at or
before that time. Frame rates, variable rates and start offsets need no other treatment.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av import VideoFrame

from preroll.perception.video.frame_folders import NO_MEMORY, numbered_pictures, read_picture

FRAMES_PER_SECOND = 3
# A frame is held on screen this long at most [s], so that one wild timestamp does not give millions of samples.
LONGEST_HOLD = Fraction(60)
# Only containers of video, from local files: a playlist or a picture in disguise is refused by the demuxer.
_CONTAINERS = "mov matroska avi mpegts mpeg flv asf ogg mpegvideo m4v h264 hevc obu ivf yuv4mpegpipe nut mxf gif"
_OPEN_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS.replace(" ", ",")}


class UnreadableError(Exception):
    """A file that gives no frame at all; ``status`` says whether it is unreadable or damaged."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class FrameSample:
    """One sampled frame.

    Attributes:
        frame: as the decoder gave it.
        time: of the sample, counted from the first frame [s].
        turns: quarter turns counter-clockwise that bring the frame upright.
        aspect: width of one pixel divided by its height.
    """

    frame: VideoFrame
    time: Fraction
    turns: int = 0
    aspect: Fraction = Fraction(1)


@dataclass
class Decoding:
    """What was learned while a video was decoded; complete when its samples are exhausted.

    Attributes:
        frames: decoded frames.
        corrupt: frames that the decoder itself flagged as damaged.
        seconds: decoded presentation time [s].
        expected: presentation time that the container promises [s]; None where it does not.
        step: how long a frame is shown where the next one does not say [s].
        error: what stopped the decoding; empty when it came to the end.
    """

    frames: int = 0
    corrupt: int = 0
    seconds: Fraction = Fraction(0)
    expected: Fraction | None = None
    step: Fraction = Fraction(1, FRAMES_PER_SECOND)
    error: str = ""

    @property
    def coverage(self) -> float | None:
        """The share of the promised time that was decoded, in [0, 1]; None where nothing was promised."""
        if not self.expected:
            return None
        return min(1.0, float(self.seconds / self.expected))

    @property
    def missing(self) -> Fraction:
        """Promised time that was not decoded [s]."""
        return max(Fraction(0), (self.expected or Fraction(0)) - self.seconds)


def sample(
    path: Path, decoding: Decoding, *, rate: int = FRAMES_PER_SECOND, fast: bool = False
) -> Iterator[FrameSample]:
    """Samples a video file, or a folder of frames 1.jpg, 2.jpg, … that was sampled before.

    Args:
        path: the video file or folder.
        decoding: is filled with what was learned.
        rate: samples per second.
        fast: skip the frames that no other frame refers to; about half of the work, and as many samples, which may be
            a few frames older.

    Yields:
        The samples in order. An error in the middle of a file ends them and is noted in ``decoding``: what a decoder
        gives after an error refers to frames that it never had.

    Raises:
        UnreadableError: where not one frame can be had.
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
        # Frame threads make damaged files decode differently each time; each worker process has one core.
        stream.codec_context.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        if fast:
            stream.codec_context.skip_frame = "NONREF"
        decoding.expected = _promised(container, stream)
        decoding.step = 1 / Fraction(stream.average_rate or stream.guessed_rate or 25)
        # PyAV gives every frame the time base of its stream.
        clock = _Clock(stream.time_base or Fraction(1, 90_000), decoding.step)
        frames = _decoded(_forward(container, stream, clock) if fast else container.decode(stream), decoding)
        yield from _shown(frames, clock, decoding, rate, _aspect(stream))


class _Clock:
    """Presentation time in whole units of the stream's time base, for fractions cost more than all else per frame.

    Attributes:
        base: the unit [s].
        step: units from a frame to the next, where that does not say.
        time: of the latest frame, counted from the first.
        end: of the packets that were read, counted from the first frame, where :func:`_forward` reads them.
    """

    def __init__(self, base: Fraction, step: Fraction) -> None:
        self.base = base
        self.step = max(1, round(step / base))
        self.time = -self.step
        self.end = 0
        self._began: int | None = None

    def tell(self, frame: VideoFrame) -> int:
        """The time of the next frame; guessed where the file does not say."""
        time = self.time + self.step
        if frame.pts is not None:
            if self._began is None:
                self._began = frame.pts
            time = frame.pts - self._began
        # Frames come in order of presentation; one that claims an earlier time is shown at once.
        self.time = max(time, self.time, 0)
        return self.time

    def read(self, packet: "av.Packet[av.VideoStream]") -> None:
        """Notes how far a packet reaches."""
        if packet.pts is not None and self._began is not None:
            self.end = max(self.end, packet.pts + (packet.duration or self.step) - self._began)


def _shown(
    frames: Iterator[VideoFrame], clock: _Clock, decoding: Decoding, rate: int, aspect: Fraction
) -> Iterator[FrameSample]:
    """The frame on screen at each tick of 1 / rate seconds."""
    # Tick t is at t · period units / units_per_period: compared in whole numbers.
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
    """Decodes packet by packet: where frames are skipped, the packets tell how far the video reaches."""
    for packet in container.demux(stream):
        yield from packet.decode()
        clock.read(packet)


def _decoded(frames: Iterator[VideoFrame], decoding: Decoding) -> Iterator[VideoFrame]:
    """Every frame, counted; an error ends them and is noted."""
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
        # The prefix keeps a name such as "a:b.mp4" from being taken for a protocol.
        return av.open(f"file:{path}", mode="r", container_options=_OPEN_OPTIONS, metadata_errors="replace")
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
    """The duration that the file claims for its video [s]: of the stream, else its tag, else of the container."""
    if stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    promised = _tagged(stream.metadata.get("DURATION", ""))
    if promised is None and container.duration:
        promised = Fraction(container.duration, av.time_base)
    start = Fraction(container.start_time or 0, av.time_base)
    # Matroska counts from zero, however late its first frame comes.
    if promised is not None and "matroska" in container.format.name and 0 < start < promised:
        promised -= start
    return promised


def _tagged(tag: str) -> Fraction | None:
    """The duration in a tag such as 00:01:02.500000000 [s]."""
    # Strictly: Fraction would also take 1/0 and 1e999999999.
    match = re.fullmatch(r"(\d{1,5}):(\d\d):(\d\d(?:\.\d{1,9})?)", tag)
    return int(match[1]) * 3600 + int(match[2]) * 60 + Fraction(match[3]) if match else None


def _aspect(stream: "av.VideoStream") -> Fraction:
    aspect = stream.sample_aspect_ratio
    return Fraction(aspect) if aspect and Fraction(1, 8) <= aspect <= 8 else Fraction(1)


def _said(error: BaseException) -> str:
    """One line of what a library said, without the path and the number that it puts around it."""
    if isinstance(error, MemoryError):
        return NO_MEMORY
    text = str(getattr(error, "strerror", None) or error)
    return " ".join(text.split()) or type(error).__name__
