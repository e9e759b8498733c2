"""Messages between a worker and its supervisor over a pipe: length-prefixed JSON, followed by raw arrays.

Messages are never unpickled, so a worker compromised by a hostile video cannot make its supervisor run code.
"""

import json
import struct
from typing import IO, Any

import numpy as np

from preroll.perception.analysis.analysis import Analysis
from preroll.perception.decoders.detections import VideoDetections

_HEAD = struct.Struct(">II")
_COLUMNS = (("frame", "<i4", 1), ("label", "<i2", 1), ("confidence", "<f4", 1), ("area", "<f4", 1), ("box", "<f4", 4))
# Largest header [bytes]; a longer one is not a valid message.
_LONGEST_HEADER = 16 << 20


def send(pipe: IO[bytes], message: dict[str, Any], payload: bytes = b"") -> None:
    """Writes one message: a JSON-serialisable header and a payload of bytes."""
    # File names may contain bytes that are not UTF-8, which survive as ASCII escapes.
    header = json.dumps(message, ensure_ascii=True).encode("ascii")
    pipe.write(_HEAD.pack(len(header), len(payload)) + header + payload)
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """Reads one message; returns None if the other side has closed the pipe or the message is malformed."""
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
        message = json.loads(header)
    except ValueError:
        return None
    return (message, payload) if isinstance(message, dict) else None


def pack(analysis: Analysis) -> tuple[dict[str, Any], bytes]:
    """Converts an analysis to a message."""
    message = {key: getattr(analysis, key) for key in ("status", "reason", "coverage", "duration", "frames", "sha256")}
    payload = b"".join(getattr(analysis.found, name).astype(kind).tobytes() for name, kind, _ in _COLUMNS)
    payload += np.asarray(analysis.vectors, "<f4").tobytes()
    shape = list(analysis.vectors.shape)
    return {"event": "analysis", "rows": len(analysis.found.frame), "vectors": shape, **message}, payload


def unpack(message: dict[str, Any], payload: bytes) -> Analysis:
    """Converts a message to an analysis."""
    rows, start = message["rows"], 0
    columns = {}
    for name, kind, width in _COLUMNS:
        column = np.frombuffer(payload, kind, rows * width, start)
        columns[name] = column.reshape(rows, width) if width > 1 else column
        start += column.nbytes
    n, width = message.get("vectors", (0, 0))  # a journal of an older version has none
    vectors = np.frombuffer(payload, "<f4", n * width, start).reshape(n, width)
    fields = {key: message[key] for key in ("status", "reason", "coverage", "duration", "frames", "sha256")}
    return Analysis(**fields, found=VideoDetections(**columns), vectors=vectors)
