"""TFRecord files: a length, its checksum, the data, its checksum; again and again."""

import struct
from collections.abc import Iterator
from pathlib import Path

from preroll.perception.prediction.formats.yt8m.crc32c import masked_crc32c
from preroll.perception.prediction.framework.bad_input import Skipping

_HEAD, _FOOT = struct.Struct("<QI"), struct.Struct("<I")
# A longer record than this is no record: its length is damaged.
_LONGEST = 1 << 30


def read_records(path: Path, skipping: Skipping) -> Iterator[tuple[int, bytes]]:
    """The records of a file with their numbers, counted from 1.

    A record whose data is damaged is bad, and the next one follows it; where a length is damaged nobody knows where
    the next record begins, so that the file ends there.

    Raises:
        PrerollError: a record is bad, and ``skipping`` does not allow to pass it over.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            number = 0
            while head := file.read(_HEAD.size):
                number += 1
                where = f"record {number}"
                if len(head) < _HEAD.size:
                    return skipping.bad(path, where, "the file ends inside of its length")
                length, crc = _HEAD.unpack(head)
                if masked_crc32c(head[:8]) != crc or length > min(_LONGEST, size):
                    return skipping.bad(path, where, "the crc of its length is wrong; what follows cannot be found")
                data, foot = file.read(length), file.read(_FOOT.size)
                if len(data) < length or len(foot) < _FOOT.size:
                    return skipping.bad(path, where, "the file ends inside of its data")
                if masked_crc32c(data) != _FOOT.unpack(foot)[0]:
                    skipping.bad(path, where, "the crc of its data is wrong")
                    continue
                yield number, data
    except OSError as error:
        skipping.bad(path, "", f"cannot be read: {error.strerror}")
    return None


def record(data: bytes) -> bytes:
    """One record with its checksums, as it stands in a file."""
    length = struct.pack("<Q", len(data))
    return length + _FOOT.pack(masked_crc32c(length)) + data + _FOOT.pack(masked_crc32c(data))
