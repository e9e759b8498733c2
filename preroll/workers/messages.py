"""Messages between a worker process and its parent: JSON with a length before it, then plain bytes.

A message is never unpickled, so that a worker that hostile data has taken over cannot make its parent run code.
"""

import json
import struct
from typing import IO, Any

from preroll.bounded.readers import parse_json

_HEAD = struct.Struct(">II")
# A longer header than this belongs to no message of ours.
_LONGEST_HEADER = 16 << 20


def send(pipe: IO[bytes], message: dict[str, Any], payload: bytes = b"") -> None:
    """Writes one message: what JSON can hold, and bytes beside it."""
    # Names of files may hold bytes that are no UTF-8: as ASCII escapes they survive.
    header = json.dumps(message, ensure_ascii=True).encode("ascii")
    pipe.write(_HEAD.pack(len(header), len(payload)) + header + payload)
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """Reads one message; returns None where the other side is gone or sent something else."""
    head = pipe.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    header_size, payload_size = _HEAD.unpack(head)
    if header_size > _LONGEST_HEADER:
        return None
    header, payload = pipe.read(header_size), pipe.read(payload_size)
    if len(header) < header_size or len(payload) < payload_size:
        return None
    try:
        message = parse_json(header)
    except ValueError:
        return None
    return (message, payload) if isinstance(message, dict) else None
