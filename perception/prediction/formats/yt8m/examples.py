"""YouTube-8M's TFRecords, at video level or frame level, read without TensorFlow."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.perception.prediction.formats.numbers import LARGEST
from preroll.perception.prediction.formats.yt8m.protobuf import ProtobufError, fields, parts, varint
from preroll.perception.prediction.formats.yt8m.record import AUDIO, CLASSES, FEATURES, VISUAL, Tagged
from preroll.perception.prediction.formats.yt8m.tfrecord import read_records
from preroll.perception.prediction.framework.bad_input import Skipping

# Field numbers of tf.train.Example and tf.train.SequenceExample, and of the lists of a tf.train.Feature.
_CONTEXT, _FEATURE_LISTS = 1, 2
_BYTES, _FLOATS, _INTS = 1, 2, 3


def read_tfrecord(path: Path, skipping: Skipping, *, labeled: bool = True) -> Iterator[Tagged]:
    """Yields the videos of a file; frame-level examples (lists ``rgb`` and ``audio``) are averaged over their frames.

    Args:
        path: the file.
        skipping: policy for bad records.
        labeled: whether every video must have a label.

    Raises:
        PrerollError: a record is bad and skipping is not allowed.
    """
    for number, data in read_records(path, skipping):
        try:
            yield replace(parse_example(data, labeled=labeled), where=f"{path}, record {number}")
        except (ProtobufError, ValueError) as error:
            skipping.bad(path, f"record {number}", str(error))


def parse_example(data: bytes, *, labeled: bool = True) -> Tagged:
    """Parses one example.

    Video-level examples have the features ``id``, ``labels``, ``mean_rgb`` (1024) and ``mean_audio`` (128).
    Frame-level examples have ``id`` and ``labels`` in their context, and one byte string per frame in the lists ``rgb``
    and ``audio``.

    Args:
        data: the serialised message.
        labeled: whether the video must have a label.

    Raises:
        ValueError: a feature is missing or has the wrong length, or a number is out of range.
    """
    context = _features(parts(data, _CONTEXT))
    lists = _features(parts(data, _FEATURE_LISTS))
    if "rgb" in lists:
        visual = _frames(lists["rgb"], VISUAL, "rgb")
        # Videos without sound have no audio list.
        audio = _frames(lists["audio"], AUDIO, "audio") if "audio" in lists else np.zeros(AUDIO, np.float32)
    else:
        visual = _floats(_needed(context, "mean_rgb"), VISUAL, "mean_rgb")
        audio = _floats(_needed(context, "mean_audio"), AUDIO, "mean_audio")
    features = np.concatenate((visual, audio))
    if not (usable := np.abs(features) < LARGEST).all():
        column = int(np.flatnonzero(~usable)[0])
        raise ValueError(f"feature {column + 1} of {FEATURES} is not a finite number below {LARGEST:g}")
    labels = _labels(_needed(context, "labels") if labeled else context.get("labels", b""))
    if labeled and not len(labels):
        raise ValueError("has no label")
    return Tagged(_id(context), labels, features)


def dequantized(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Computes x · 4/255 + 4/512 − 2, the middle of the interval that a byte x of frame-level features represents."""
    return frames.astype(np.float32) * np.float32(4 / 255) + np.float32(4 / 512 - 2)


def _features(messages: list[bytes]) -> dict[str, bytes]:
    """Parses a map of features, or of feature lists, into messages by name."""
    found = {}
    for message in messages:
        for entry in parts(message, 1):
            key, value = b"", b""
            for number, part in fields(entry):
                if isinstance(part, bytes):
                    key, value = (part, value) if number == 1 else (key, part)
            found[key.decode("utf8", "backslashreplace")] = value
    return found


def _needed(features: dict[str, bytes], name: str) -> bytes:
    if name not in features:
        raise ValueError(f"has no feature {name!r}, only {', '.join(sorted(features)) or 'none'}")
    return features[name]


def _id(features: dict[str, bytes]) -> str:
    # The feature is named video_id in the first release of the data set.
    name = "id" if "id" in features else "video_id"
    values = [value for inner in parts(_needed(features, name), _BYTES) for value in parts(inner, 1)]
    if len(values) != 1:
        raise ValueError(f"feature 'id' has {len(values)} values, must have 1")
    return values[0].decode("utf8", "backslashreplace")


def _labels(feature: bytes) -> NDArray[np.int32]:
    labels: list[int] = []
    for inner in parts(feature, _INTS):
        for number, value in fields(inner):
            if number == 1 and isinstance(value, int):
                labels.append(value)
            elif number == 1 and isinstance(value, bytes):
                # Packed varints in one byte string.
                place = 0
                while place < len(value):
                    label, place = varint(value, place)
                    labels.append(label)
    if (largest := max(labels, default=0)) >= CLASSES:
        raise ValueError(f"label {largest} is not known, must be 0 … {CLASSES - 1}")
    return np.unique(np.array(labels, np.int32))


def _floats(feature: bytes, length: int, name: str) -> NDArray[np.float32]:
    # Packed floats are one byte string, unpacked ones four bytes each; joined, both are the same.
    raw = b"".join(value for inner in parts(feature, _FLOATS) for value in parts(inner, 1))
    if len(raw) != 4 * length:
        raise ValueError(f"feature {name!r} has {len(raw) // 4} numbers, must have {length}")
    return np.frombuffer(raw, "<f4").astype(np.float32)


def _frames(feature_list: bytes, length: int, name: str) -> NDArray[np.float32]:
    """Computes the mean of a list of byte strings, one per frame, float32 [length]."""
    rows = [
        value
        for feature in parts(feature_list, 1)
        for inner in parts(feature, _BYTES)
        for value in parts(inner, 1)
    ]  # fmt: skip
    if not rows:
        raise ValueError(f"list {name!r} has no frame")
    for number, row in enumerate(rows, start=1):
        if len(row) != length:
            raise ValueError(f"list {name!r}, frame {number}: has {len(row)} bytes, must have {length}")
    mean: NDArray[np.float32] = dequantized(np.frombuffer(b"".join(rows), np.uint8).reshape(-1, length)).mean(0)
    return mean
