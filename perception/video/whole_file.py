"""Whether a file has all that its own structure announces.

Where a container does not say how long its *video* is, a complete file and one that was cut cannot be told apart by
time: the sound may be longer, or the last frame may be held for long. And what a transport stream lost on its way, a
decoder may make good so that nobody notices.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_HEAD = 1 << 16
#: Size of the packets of a transport stream, alone, behind a time, and before a checksum [bytes].
_PACKET, _PACKET_SIZES = 188, (188, 192, 204)
_SYNC = ord("G")


def is_whole(path: Path, container: str) -> bool | None:
    """Returns whether a file has all the bytes that it announces; None if its container does not tell.

    Args:
        path: the file.
        container: names of its demuxer, separated by commas.
    """
    for name in container.split(","):
        if name in _CHECKS:
            with path.open("rb") as file:
                try:
                    return _CHECKS[name](file, os.fstat(file.fileno()).st_size)
                except (IndexError, ValueError):
                    return None
    return None


def _boxes_end(file: BinaryIO, size: int) -> bool:
    """Walks the boxes of an MP4 file."""
    place = 0
    while place + 8 <= size:
        file.seek(place)
        head = file.read(16)
        length = int.from_bytes(head[:4])
        if length == 1:
            length = int.from_bytes(head[8:])
        if length == 0:  # up to the end
            return True
        if length < 8:
            return False
        place += length
    return place == size


def _riff_ends(file: BinaryIO, size: int) -> bool:
    """Walks the parts of an AVI file, of 1 GiB each."""
    place = 0
    while place + 12 <= size:
        file.seek(place)
        head = file.read(8)
        if head[:4] != b"RIFF":
            return False
        length = int.from_bytes(head[4:], "little")
        place += 8 + length + length % 2
    return place in (size, size + 1)


def _segment_ends(file: BinaryIO, size: int) -> bool | None:
    """Compares the length of a Matroska segment, which a live recording leaves open."""
    head = file.read(_HEAD)
    if not head.startswith(_EBML):
        return None
    length, place = _number(head, 4)
    place += length or 0
    if head[place : place + 4] != _SEGMENT:
        return None
    length, place = _number(head, place + 4)
    return None if length is None else place + length <= size


def _number(data: bytes, place: int) -> tuple[int | None, int]:
    """Returns a length as EBML writes it, None for an open one, and the place behind it."""
    width = 9 - data[place].bit_length()
    value = int.from_bytes(data[place : place + width]) & ((1 << 7 * width) - 1)
    return (None if value == (1 << 7 * width) - 1 else value), place + width


def _last_tag_ends(file: BinaryIO, size: int) -> bool:
    """Checks that an FLV file ends with a complete tag, whose length stands behind it."""
    file.seek(size - 4)
    length = int.from_bytes(file.read(4))
    if not 11 <= length <= size - 4:
        return False
    file.seek(size - 4 - length)
    head = file.read(4)
    return head[0] & 0x1F in (8, 9, 18) and int.from_bytes(head[1:]) + 11 == length


def _properties_end(file: BinaryIO, size: int) -> bool | None:
    """Compares the size in the properties of an ASF file."""
    head = file.read(_HEAD)
    place = head.find(_ASF_PROPERTIES)
    return None if place < 0 else 0 < int.from_bytes(head[place + 40 : place + 48], "little") <= size


_CHECKS: dict[str, Callable[[BinaryIO, int], bool | None]] = {
    "mov": _boxes_end,
    "avi": _riff_ends,
    "matroska": _segment_ends,
    "flv": _last_tag_ends,
    "asf": _properties_end,
}


def missing_packets(path: Path, stream: int) -> list[int]:
    """Returns where packets of a stream are missing in a transport stream: positions of those behind the gaps [bytes].

    Packets are counted modulo 16, so that the loss of 16 in a row is not seen. A file that was laid behind another
    counts anew from 0 for its table of programs, and then for the stream, with a frame; that is no gap.

    Args:
        path: the file.
        stream: identifier of the stream.
    """
    found: list[int] = []
    due: int | None = None
    anew = False
    with path.open("rb") as file:
        for place, packet in _packets(file):
            pid, counter = _pid(packet), packet[3] & 15
            if pid == 0:
                anew = anew or counter == 0
            elif pid == stream and packet[3] & 0x10:
                begins = anew and counter == 0 and packet[1] & 0x40
                announced = packet[3] & 0x20 and packet[4] and packet[5] & 0x80
                broken = packet[1] & 0x80
                if broken or not (due is None or counter == due or begins or announced):
                    found.append(place)
                due, anew = (counter + 1) % 16, False
    return found


def is_scrambled(path: Path, stream: int) -> bool:
    """Returns whether packets of a stream in a transport stream are scrambled, as those of pay television."""
    with path.open("rb") as file:
        return any(packet[3] & 0xC0 for _, packet in _packets(file) if _pid(packet) == stream)


def _pid(packet: bytes) -> int:
    return int.from_bytes(packet[1:3]) & 0x1FFF


def _packets(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yields the packets of a transport stream with their places; what is no packet is passed over."""
    data = file.read(_HEAD)
    size = min(_PACKET_SIZES, key=lambda size: _synchronized(data, 0, size, 5))
    begin, place = 0, _synchronized(data, 0, size, 5)
    while True:
        if len(data) - place < 2 * size:
            begin += place
            data, place = data[place:] + file.read(_HEAD), 0
            if len(data) < _PACKET:
                return
        if data[place] == _SYNC:
            yield begin + place - (size - _PACKET), data[place : place + _PACKET]
            place += size
        else:
            place = _synchronized(data, place, size, 2)


def _synchronized(data: bytes, place: int, size: int, count: int) -> int:
    """Returns where, from a place on, so many packets follow each other; near the end if they do nowhere."""
    found = re.compile(b"G(?=(?:.{%d}G){%d})" % (size - 1, count - 1), re.DOTALL).search(data, place)
    return found.start() if found else max(place + 1, len(data) - size)
