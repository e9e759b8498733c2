"""Video files: their suffixes, and the demuxers that read them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import av.container

_NAMES = (
    "3g2 3gp asf avi divx f4v flv gif ivf m1v m2p m2t m2ts m2v m4v mkv mov mp4 mpe mpeg mpg mpv mts mxf nut ogm ogv qt"
    " tod ts vob webm wmv xvid y4m"
)
SUFFIXES = frozenset(f".{name}" for name in _NAMES.split())
#: Only video containers: none of them is a picture, or a playlist, which names other files.
DEMUXERS = "mov matroska avi mpegts mpeg flv asf ogg mpegvideo m4v h264 hevc obu ivf yuv4mpegpipe nut mxf gif"


def open_local(path: Path, demuxers: str = DEMUXERS) -> "av.container.InputContainer":
    """Opens a local file with one of ``demuxers`` (names with spaces between) and no other, whatever its suffix.

    Raises:
        av.FFmpegError, OSError, ValueError, MemoryError: it cannot be opened.
    """
    import av

    options = {"protocol_whitelist": "file", "format_whitelist": demuxers.replace(" ", ",")}
    # Up to PyAV 18 tags that are no UTF-8 were errors; since then there is no such choice.
    lenient: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
    # The prefix keeps a name such as "a:b.mp4" from being taken for a protocol.
    container: av.container.InputContainer = av.open(f"file:{path}", mode="r", container_options=options, **lenient)
    return container
