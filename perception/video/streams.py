"""Opening a video file: its stream, the decoder for it, and the duration that the file declares."""

import errno
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from PIL import Image

from preroll.perception.video.containers import DEMUXERS, open_local
from preroll.perception.video.decoding import UnreadableError
from preroll.perception.video.packets import said
from preroll.perception.video.whole_file import is_whole

#: The decoders that know transparency; FFmpeg's own ones leave it out.
_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
#: Containers that give every stream the duration of the longest.
_SHARED = ("asf",)
_Disposition = av.stream.Disposition


def open_video(path: Path) -> "av.container.InputContainer":
    """Opens a video file.

    Raises:
        UnreadableError: it cannot be opened, or is something else.
    """
    try:
        return open_local(path)
    except (av.FFmpegError, OSError, ValueError, MemoryError) as error:
        told = said(error)
        # So FFmpeg says that it knows the format, and that it is not among those that it may open.
        if getattr(error, "errno", None) == errno.EINVAL:
            told = f"it is {_picture(path) or 'in another format'}, and the formats are {', '.join(DEMUXERS.split())}"
        raise UnreadableError("unreadable", f"not a video that can be opened: {told}") from None


def _picture(path: Path) -> str:
    try:
        with Image.open(path) as image:
            return f"a picture ({image.format})"
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ""


def video_stream(container: "av.container.InputContainer") -> "av.VideoStream":
    """Returns the stream that a player shows: the first one marked as default, else the first.

    Raises:
        UnreadableError: there is none, or its codec is not known.
    """
    covers = [one for one in container.streams.video if one.disposition & _Disposition.attached_pic]
    streams = [one for one in container.streams.video if one not in covers]
    if not streams:
        kinds: list[str] = sorted({one.type or "unknown" for one in container.streams if one not in covers})
        kinds += ["a cover picture"] if covers else []
        raise UnreadableError("unreadable", f"it has no video, only: {', '.join(kinds) or 'nothing'}")
    known = [one for one in streams if one.codec_context is not None]
    if not known:
        raise UnreadableError("unreadable", "its video codec is not known")
    return next((one for one in known if one.disposition & _Disposition.default), known[0])


def decoder_of(stream: "av.VideoStream", *, fast: bool) -> "av.VideoCodecContext":
    """Returns the decoder of a stream, on one thread.

    Args:
        stream: the video stream.
        fast: skip the frames that no other frame refers to.
    """
    decoder = stream.codec_context
    name = _WITH_ALPHA.get(decoder.name)
    if name and _tag(stream, "alpha_mode") == "1" and name in av.codecs_available:
        decoder = cast("av.VideoCodecContext", av.CodecContext.create(name, "r"))
        decoder.extradata = stream.codec_context.extradata
    # With frame threads, damaged files decode differently each time; each worker process has one core anyway.
    decoder.thread_type = "NONE"
    decoder.thread_count = 1
    if fast:
        decoder.skip_frame = "NONREF"
    return decoder


@dataclass(frozen=True)
class Promise:
    """What a file declares of its duration.

    Attributes:
        seconds: the duration [s]; None if it declares none.
        exact: whether it is that of the video, not of the longest stream.
        whole: whether the file has all the bytes that it announces; None if that is not known.
    """

    seconds: Fraction | None
    exact: bool
    whole: bool | None


def promised(path: Path, container: "av.container.InputContainer", stream: "av.VideoStream") -> Promise:
    """Returns what a file declares: of the stream, else its tag, else of the container."""
    name = container.format.name
    fragments = "mov" in name.split(",") and not stream.frames
    whole = is_whole(path, name) if fragments or "mov" not in name.split(",") else None
    seconds = stream.duration * stream.time_base if stream.duration and stream.time_base else None
    exact = not fragments and (name not in _SHARED or len(container.streams) == 1)
    if seconds is not None:
        return Promise(seconds, exact, whole)
    seconds = _tagged(_tag(stream, "duration"))
    if seconds is None and container.duration:
        seconds = Fraction(container.duration, av.time_base)
        exact = exact and len(container.streams) == 1
    start = Fraction(container.start_time or 0, av.time_base)
    # These count from zero, however late the first frame is: in FLV it waits for those that are decoded before it.
    if seconds is not None and ("matroska" in name or name == "flv") and 0 < start < seconds:
        seconds -= start
    return Promise(seconds, exact, whole)


def _tag(stream: "av.VideoStream", name: str) -> str:
    """Returns the tag of a stream; programs write its name in capitals or not."""
    return next((value for key, value in stream.metadata.items() if key.lower() == name), "")


def _tagged(tag: str) -> Fraction | None:
    """Parses the duration in a tag such as 00:01:02.500000000 [s]."""
    # Strict pattern, because Fraction would also accept 1/0 and 1e999999999.
    match = re.fullmatch(r"(\d{1,5}):(\d\d):(\d\d(?:\.\d{1,9})?)", tag)
    return int(match[1]) * 3600 + int(match[2]) * 60 + Fraction(match[3]) if match else None


def aspect_of(stream: "av.VideoStream") -> Fraction:
    """Returns the width of a pixel divided by its height; 1 if what the file says is absurd."""
    aspect = stream.sample_aspect_ratio
    return Fraction(aspect) if aspect and Fraction(1, 8) <= aspect <= 8 else Fraction(1)
