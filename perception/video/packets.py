"""Decoding packet by packet: what cannot be decoded costs the frames that refer to it, and is counted."""

from collections.abc import Iterator

import av
from av import VideoFrame

from preroll.perception.video.decoding import Decoding, UnreadableError
from preroll.perception.video.frame_folders import NO_MEMORY
from preroll.perception.video.timeline import Timeline

ENCRYPTED = "its pictures are encrypted"
#: Codecs of which every packet gives a frame; they drop some that they cannot decode without an error.
_ONE_FRAME_EACH = frozenset(("h264", "hevc", "mpeg1video", "mpeg2video"))


def decoded(
    container: "av.container.InputContainer",
    stream: "av.VideoStream",
    decoder: "av.VideoCodecContext",
    timeline: Timeline,
    decoding: Decoding,
) -> Iterator[VideoFrame]:
    """Yields and counts every frame; an error of the file itself ends them and is recorded.

    Frames that refer to a lost one are as a player shows them, and counted as damaged; before the first key frame they
    refer to nothing, and are left out.

    Args:
        container: the opened file.
        stream: its video stream.
        decoder: the decoder of the stream.
        timeline: told of every packet.
        decoding: updated in place.

    Raises:
        UnreadableError: if the pictures are encrypted from the first on.
    """
    losses = _Losses(decoder, decoding)
    for packet in _packets(container, stream, decoding):
        if packet.has_sidedata("encryption_info"):
            if not decoding.frames:
                raise UnreadableError("encrypted", ENCRYPTED)
            decoding.error = "from there on " + ENCRYPTED
            return
        timeline.read(packet)
        try:
            frames = decoder.decode(packet)
        except MemoryError:
            decoding.error = NO_MEMORY
            return
        except (av.FFmpegError, ValueError) as error:
            losses.lose(packet, said(error))
            continue
        losses.read(packet)
        for frame in frames:
            if losses.gave(frame):
                yield frame
    losses.count()


class _Losses:
    """Count of the packets of which no frame came, and of the frames that refer to them."""

    def __init__(self, decoder: "av.VideoCodecContext", decoding: Decoding) -> None:
        self._decoding = decoding
        self._one_each = decoder.name in _ONE_FRAME_EACH and decoder.skip_frame == "DEFAULT"
        #: Times of packets of which a frame is still to come.
        self._due: set[int] = set()
        self._first: int | None = None
        self._keyed = False
        self._sound = True

    def lose(self, packet: "av.Packet[av.VideoStream]", error: str) -> None:
        """Notes a packet that the decoder refused; the last one, without content, only asks it for its rest."""
        if packet.size:
            self._decoding.packets += 1
            self._decoding.lost += 1
            self._decoding.told = self._decoding.told or error
            self._sound = False

    def read(self, packet: "av.Packet[av.VideoStream]") -> None:
        """Notes a packet that the decoder took."""
        if packet.size:
            self._decoding.packets += 1
            if packet.is_keyframe:
                self._keyed = self._sound = True
            if self._one_each and packet.pts is not None and not packet.is_discard:
                self._due.add(packet.pts)

    def gave(self, frame: VideoFrame) -> bool:
        """Notes a frame, and returns whether it shows anything."""
        if not (self._keyed or self._sound):
            return False
        decoding = self._decoding
        decoding.frames += 1
        if frame.is_corrupt or not self._sound:
            decoding.corrupt += 1
        if self._one_each and frame.pts is not None:
            self._one_each = not frame.interlaced_frame  # of two fields, each may have a packet
            self._due.discard(frame.pts)
            if self._first is None:
                self._first = frame.pts
        return True

    def count(self) -> None:
        """Counts what was due and never came; what stands before the first frame may refer to what was cut off."""
        if self._one_each and self._first is not None:
            self._decoding.lost += sum(time > self._first for time in self._due)


def _packets(
    container: "av.container.InputContainer", stream: "av.VideoStream", decoding: Decoding
) -> Iterator["av.Packet[av.VideoStream]"]:
    try:
        yield from container.demux(stream)
    except MemoryError:
        decoding.error = NO_MEMORY
    except (av.FFmpegError, ValueError) as error:
        decoding.error = said(error)


def said(error: BaseException) -> str:
    """Returns a library's error message on one line, without the path and number that it adds."""
    if isinstance(error, MemoryError):
        return NO_MEMORY
    text = str(getattr(error, "strerror", None) or error)
    return " ".join(text.split()) or type(error).__name__
