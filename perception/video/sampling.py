"""Sampling of a video at a constant rate of presentation time, in one forward pass that holds one frame at a time.

At the times 0, 1/rate, 2/rate, … after the first frame, the frame on screen is sampled: the last one that began at or
before that time. Frame rates, variable rates and start offsets need no special treatment.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av import VideoFrame

from preroll.perception.video.decoding import FRAMES_PER_SECOND as FRAMES_PER_SECOND  # part of the face
from preroll.perception.video.decoding import Decoding as Decoding
from preroll.perception.video.decoding import UnreadableError as UnreadableError
from preroll.perception.video.frame_folders import numbered_pictures, rate_of, read_picture
from preroll.perception.video.orientation import orientation
from preroll.perception.video.packets import ENCRYPTED, decoded
from preroll.perception.video.streams import Promise, aspect_of, decoder_of, open_video, promised, video_stream
from preroll.perception.video.timeline import Timeline
from preroll.perception.video.whole_file import is_scrambled, missing_packets

#: Containers whose clock may jump ahead: what is sent is cut together.
_JUMPING = frozenset(("mpegts", "mpeg"))
#: Unit of containers that round times to it [s]: the end of a last frame is no more exact.
_ROUNDED = Fraction(1, 1000)


@dataclass(frozen=True)
class FrameSample:
    """One sampled frame.

    Attributes:
        frame: as returned by the decoder.
        time: time of the sample since the first frame [s].
        turns: quarter turns counter-clockwise that bring the frame upright, once it is mirrored.
        aspect: width of one pixel divided by its height.
        mirrored: whether its columns are to be mirrored first.
    """

    frame: VideoFrame
    time: Fraction
    turns: int = 0
    aspect: Fraction = Fraction(1)
    mirrored: bool = False


def sample(
    path: Path, decoding: Decoding, *, rate: int = FRAMES_PER_SECOND, fast: bool = False
) -> Iterator[FrameSample]:
    """Samples a video file, or a folder of frames 1.jpg, 2.jpg, … (``rate`` per second, or as its fps.txt says).

    Args:
        path: the video file or folder.
        decoding: updated in place with the statistics of decoding.
        rate: samples per second.
        fast: skip the frames that no other frame refers to; about half of the work for the same number of samples,
            which may be a few frames older.

    Yields:
        The samples in order. What cannot be decoded is counted in ``decoding``; until the next frame the one before is
        on screen.

    Raises:
        UnreadableError: if not a single frame can be decoded.
    """
    if path.is_dir():
        yield from _sample_folder(path, decoding, rate)
    else:
        yield from _sample_video(path, decoding, rate, fast)


def _sample_folder(folder: Path, decoding: Decoding, rate: int) -> Iterator[FrameSample]:
    pictures = numbered_pictures(folder)
    try:
        shown_at = rate_of(folder) or Fraction(rate)
    except ValueError as error:
        raise UnreadableError("unreadable", str(error)) from None
    decoding.step = 1 / shown_at
    decoding.expected = len(pictures) / shown_at
    frame: VideoFrame | None = None
    for tick in range(math.ceil(decoding.expected * rate)):
        number = int(Fraction(tick, rate) * shown_at)
        # Of frames that follow each other faster than they are sampled, only those are read.
        if frame is None or number >= decoding.frames:
            try:
                frame = VideoFrame.from_ndarray(read_picture(pictures[number]), format="rgb24")
            except ValueError as error:
                decoding.error = str(error)
                break
            decoding.frames = number + 1
        decoding.seconds = min(Fraction(tick + 1, rate), decoding.expected)
        yield FrameSample(frame, Fraction(tick, rate))
    if not decoding.frames:
        raise UnreadableError("damaged", decoding.error or "a folder without frames 1.jpg, 2.jpg, …")


def _sample_video(path: Path, decoding: Decoding, rate: int, fast: bool) -> Iterator[FrameSample]:
    with open_video(path) as container:
        stream = video_stream(container)
        decoder = decoder_of(stream, fast=fast)
        promise = promised(path, container, stream)
        decoding.expected = promise.seconds
        decoding.step = 1 / Fraction(stream.average_rate or stream.guessed_rate or 25)
        # In PyAV every frame has the time base of its stream.
        base = stream.time_base or Fraction(1, 90_000)
        timeline = Timeline(base, decoding.step, jumps=container.format.name in _JUMPING)
        frames = decoded(container, stream, decoder, timeline, decoding)
        sent = container.format.name == "mpegts"
        try:
            yield from _shown(frames, timeline, decoding, promise, rate, aspect_of(stream))
        except UnreadableError:
            if sent and is_scrambled(path, stream.id):
                raise UnreadableError("encrypted", ENCRYPTED) from None
            raise
        if sent:
            # Where time began again too, another file begins, whose packets are counted anew.
            decoding.gaps = len(set(missing_packets(path, stream.id)) - timeline.begins)


def _shown(
    frames: Iterator[VideoFrame], timeline: Timeline, decoding: Decoding, promise: Promise, rate: int, aspect: Fraction
) -> Iterator[FrameSample]:
    """Yields the frame on screen at each tick of 1 / rate seconds."""
    # In integers, tick / rate < time · base is tick · down < time · up.
    up, down = timeline.base.numerator * rate, timeline.base.denominator
    tick = 0
    shown: VideoFrame | None = None
    for frame in frames:
        time = timeline.tell(frame)
        if shown is not None and tick * down < time * up:
            while tick * down < time * up:
                yield _sampled(shown, tick, rate, aspect)
                tick += 1
        shown = frame
    if shown is None:
        raise UnreadableError("damaged", decoding.error or decoding.told or "not one frame could be decoded")
    _end(shown, timeline, decoding, promise)
    last = decoding.seconds - (timeline.base if timeline.base == _ROUNDED else 0)
    while Fraction(tick, rate) < last or not tick:
        yield _sampled(shown, tick, rate, aspect)
        tick += 1


def _end(last: VideoFrame, timeline: Timeline, decoding: Decoding, promise: Promise) -> None:
    """Determines the decoded time, and what the file's promise is worth once it is read."""
    decoding.seconds = timeline.end(last)
    if promise.whole is False and promise.seconds is None and not decoding.error:
        decoding.error = "the file is cut"
    decoding.late, decoding.cut = timeline.late * timeline.base, timeline.cut * timeline.base
    if timeline.seams or (promise.whole and not promise.exact and not decoding.error):
        # The clock began again, or another stream is longer.
        decoding.expected = decoding.seconds
    elif promise.whole and promise.seconds is not None and not decoding.error:
        # Containers that give frames no duration: the last one is shown to the end.
        decoding.seconds = max(decoding.seconds, timeline.held_until(promise.seconds - decoding.late - decoding.cut))


def _sampled(frame: VideoFrame, tick: int, rate: int, aspect: Fraction) -> FrameSample:
    mirrored, turns = orientation(frame)
    return FrameSample(frame, Fraction(tick, rate), turns, aspect, mirrored)
