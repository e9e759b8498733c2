"""Coding of an analysis as a message: a JSON object with arrays of known types and shapes beside it."""

from typing import Any

import numpy as np

from preroll.perception.analysis.analysis import Analysis
from preroll.perception.decoders.detections import VideoDetections

_COLUMNS = (("frame", "<i4", 1), ("label", "<i2", 1), ("confidence", "<f4", 1), ("area", "<f4", 1), ("box", "<f4", 4))
_FIELDS = ("status", "reason", "coverage", "duration", "frames", "sha256")


def pack(analysis: Analysis) -> tuple[dict[str, Any], bytes]:
    """Encodes an analysis as a message."""
    message = {key: getattr(analysis, key) for key in _FIELDS}
    payload = b"".join(getattr(analysis.found, name).astype(kind).tobytes() for name, kind, _ in _COLUMNS)
    payload += np.asarray(analysis.vectors, "<f4").tobytes()
    shape = list(analysis.vectors.shape)
    return {"event": "analysis", "rows": len(analysis.found.frame), "vectors": shape, **message}, payload


def unpack(message: dict[str, Any], payload: bytes) -> Analysis:
    """Decodes an analysis."""
    rows, start = message["rows"], 0
    columns = {}
    for name, kind, width in _COLUMNS:
        column = np.frombuffer(payload, kind, rows * width, start)
        columns[name] = column.reshape(rows, width) if width > 1 else column
        start += column.nbytes
    n, width = message.get("vectors", (0, 0))  # journals of older versions have none
    vectors = np.frombuffer(payload, "<f4", n * width, start).reshape(n, width)
    fields = {key: message[key] for key in _FIELDS}
    return Analysis(**fields, found=VideoDetections(**columns), vectors=vectors)
