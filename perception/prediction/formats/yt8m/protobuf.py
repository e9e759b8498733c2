"""The subset of protocol buffers that a ``tf.train.Example`` needs."""

from collections.abc import Iterator


class ProtobufError(ValueError):
    """Error for bytes that are not a valid message."""


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yields the fields of a message as (number, value): int for a varint, bytes for all other wire types.

    Raises:
        ProtobufError: the bytes end early or contain an unknown wire type.
    """
    place = 0
    while place < len(data):
        key, place = varint(data, place)
        # Wire types: 0 varint, 1 64-bit, 2 length-delimited, 5 32-bit.
        kind = key & 7
        if kind == 0:
            value, place = varint(data, place)
            yield key >> 3, value
            continue
        if kind == 2:
            size, place = varint(data, place)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ProtobufError(f"wire type {kind} at byte {place}")
        if place + size > len(data):
            raise ProtobufError("a field is longer than its message")
        yield key >> 3, data[place : place + size]
        place += size


def varint(data: bytes, place: int) -> tuple[int, int]:
    """Decodes the varint at ``place`` (seven bits per byte) and returns it with the position after it."""
    value = shift = 0
    while True:
        if place >= len(data) or shift > 63:
            raise ProtobufError("a number does not end")
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7


def parts(data: bytes, number: int) -> list[bytes]:
    """Returns the byte strings, such as messages, of all fields with the given number."""
    return [value for key, value in fields(data) if key == number and isinstance(value, bytes)]


def encoded(number: int, value: int | bytes) -> bytes:
    """Encodes one field, as read by :func:`fields`."""
    if isinstance(value, int):
        return encoded_varint(number << 3) + encoded_varint(value)
    return encoded_varint(number << 3 | 2) + encoded_varint(len(value)) + value


def encoded_varint(value: int) -> bytes:
    """Encodes a non-negative integer as a varint, seven bits per byte."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
