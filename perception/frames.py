"""Sampling a video at a steady rate of presentation time, decoding forward once and holding one frame at a time.

At the times 0, 1/rate, 2/rate, … after the first frame, the frame on screen is taken: the last one that began at or
before that time. Frame rates, variable rates and start offsets need no other treatment.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
from av import VideoFrame

from preroll.perception.pictures import numbered_pictures, read_picture

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
class Sample:
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
    _began: Fraction | None = field(default=None, repr=False)

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


def sample(path: Path, decoding: Decoding, *, rate: int = FRAMES_PER_SECOND) -> Iterator[Sample]:
    """Samples a video file, or a folder of frames 1.jpg, 2.jpg, … that was sampled before.

    Args:
        path: the video file or folder.
        decoding: is filled with what was learned.
        rate: samples per second.

    Yields:
        The samples in order. An error in the middle of a file ends them and is noted in ``decoding``: what a decoder
        gives after an error refers to frames that it never had.

    Raises:
        UnreadableError: where not one frame can be had.
    """
    yield from _sample_folder(path, decoding, rate) if path.is_dir() else _sample_video(path, decoding, rate)


def _sample_folder(folder: Path, decoding: Decoding, rate: int) -> Iterator[Sample]:
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
        yield Sample(frame, Fraction(number, rate))
    if not decoding.frames:
        raise UnreadableError("damaged", decoding.error or "a folder without frames 1.jpg, 2.jpg, …")


def _sample_video(path: Path, decoding: Decoding, rate: int) -> Iterator[Sample]:
    tick = 0
    shown: Sample | None = None
    for current in _decoded(path, decoding):
        if shown is not None:
            hold = min(current.time, shown.time + LONGEST_HOLD)
            while Fraction(tick, rate) < hold:
                yield replace(shown, time=Fraction(tick, rate))
                tick += 1
            tick = max(tick, math.ceil(current.time * rate))
        shown = current
    if shown is None:
        raise UnreadableError("damaged", decoding.error or "not one frame could be decoded")
    decoding.seconds = shown.time + decoding.step
    while Fraction(tick, rate) < decoding.seconds:
        yield replace(shown, time=Fraction(tick, rate))
        tick += 1


def _decoded(path: Path, decoding: Decoding) -> Iterator[Sample]:
    """Every frame of a file with its time."""
    with _opened(path) as container:
        stream = _video_stream(container)
        # Frame threads make damaged files decode differently each time; each worker process has one core.
        stream.codec_context.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        decoding.expected = _promised(container, stream)
        decoding.step = 1 / Fraction(stream.average_rate or stream.guessed_rate or 25)
        aspect = _aspect(stream)
        latest = -decoding.step
        frames = container.decode(stream)
        while True:
            try:
                frame = next(frames)
            except StopIteration:
                return
            except (av.FFmpegError, ValueError, MemoryError) as error:
                decoding.error = _said(error)
                return
            decoding.frames += 1
            decoding.corrupt += bool(frame.is_corrupt)
            # Frames come in order of presentation; one that claims an earlier time is shown at once.
            latest = max(_time(frame, stream, decoding, latest + decoding.step), latest, Fraction(0))
            yield Sample(frame, latest, round(frame.rotation / 90) % 4, aspect)


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


def _time(frame: VideoFrame, stream: "av.VideoStream", decoding: Decoding, guess: Fraction) -> Fraction:
    """The presentation time of a frame since the first one [s]; guessed where the file does not say."""
    base = frame.time_base or stream.time_base
    if frame.pts is None or base is None:
        return guess
    absolute = frame.pts * base
    if decoding._began is None:
        decoding._began = absolute
    return absolute - decoding._began


def _promised(container: "av.container.InputContainer", stream: "av.VideoStream") -> Fraction | None:
    """The duration that the file claims for its video [s]: of the stream, else its tag, else of the container."""
    if stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    tag = stream.metadata.get("DURATION", "")
    parts = tag.split(":")
    if len(parts) == 3:
        try:
            return int(parts[0]) * 3600 + int(parts[1]) * 60 + Fraction(parts[2])
        except ValueError:
            pass
    return Fraction(container.duration, av.time_base) if container.duration else None


def _aspect(stream: "av.VideoStream") -> Fraction:
    aspect = stream.sample_aspect_ratio
    return Fraction(aspect) if aspect and Fraction(1, 8) <= aspect <= 8 else Fraction(1)


def _said(error: BaseException) -> str:
    """One line of what a library said, without the path and the number that it puts around it."""
    text = str(getattr(error, "strerror", None) or error)
    return " ".join(text.split()) or type(error).__name__
