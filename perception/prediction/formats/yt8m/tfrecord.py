"""TFRecord files: a sequence of records, each with length, checksum of the length, data, checksum of the data."""

import struct
from collections.abc import Iterator
from pathlib import Path

from preroll.bounded import limits
from preroll.perception.prediction.formats.yt8m.crc32c import masked_crc32c
from preroll.perception.prediction.framework.bad_input import Skipping

_HEAD, _FOOT = struct.Struct("<QI"), struct.Struct("<I")


def read_records(path: Path, skipping: Skipping) -> Iterator[tuple[int, bytes]]:
    """Yields the records of a file with their numbers, counted from 1.

    A record with damaged data is bad, and reading continues behind it. If a length is damaged, the next record cannot
    be located, and reading stops.

    Raises:
        PrerollError: a record is bad and skipping is not allowed.
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
                if masked_crc32c(head[:8]) != crc or length > min(limits.RECORD, size):
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
    """Encodes one record with its checksums."""
    length = struct.pack("<Q", len(data))
    return length + _FOOT.pack(masked_crc32c(length)) + data + _FOOT.pack(masked_crc32c(data))
