"""YouTube-8M's TFRecords, at video level or frame level, read without TensorFlow."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from preroll.perception.prediction.formats.numbers import LARGEST
from preroll.perception.prediction.formats.yt8m.record import AUDIO, CLASSES, FEATURES, VISUAL, Tagged
from preroll.perception.prediction.formats.yt8m.sequence_example import SequenceExample
from preroll.perception.prediction.formats.yt8m.tfrecord import read_records
from preroll.perception.prediction.framework.bad_input import Skipping


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
        except ValueError as error:
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
        ValueError: the data are no such message, a feature is missing or has the wrong length, or a number is out of
            range.
    """
    try:
        example = SequenceExample.FromString(data)
    except DecodeError:
        raise ValueError("is no tf.train.Example") from None
    context = {entry.key: entry.value for entry in example.context.feature}
    lists = {entry.key: entry.value for entry in example.feature_lists.feature_list}
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
    labels = _labels(_needed(context, "labels")) if labeled or "labels" in context else np.zeros(0, np.int32)
    if labeled and not len(labels):
        raise ValueError("has no label")
    return Tagged(_id(context), labels, features)


def dequantized(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Computes x · 4/255 + 4/512 − 2, the middle of the interval that a byte x of frame-level features represents."""
    return frames.astype(np.float32) * np.float32(4 / 255) + np.float32(4 / 512 - 2)


def _needed(features: dict[str, Any], name: str) -> Any:
    if name not in features:
        raise ValueError(f"has no feature {name!r}, only {', '.join(sorted(features)) or 'none'}")
    return features[name]


def _id(features: dict[str, Any]) -> str:
    # The feature is named video_id in the first release of the data set.
    values = _needed(features, "id" if "id" in features else "video_id").bytes_list.value
    if len(values) != 1:
        raise ValueError(f"feature 'id' has {len(values)} values, must have 1")
    found: bytes = values[0]
    return found.decode("utf8", "backslashreplace")


def _labels(feature: Any) -> NDArray[np.int32]:
    labels = np.unique(np.array(feature.int64_list.value, np.int64))
    if len(wrong := labels[(labels < 0) | (labels >= CLASSES)]):
        raise ValueError(f"label {wrong[-1]} is not known, must be 0 … {CLASSES - 1}")
    return labels.astype(np.int32)


def _floats(feature: Any, length: int, name: str) -> NDArray[np.float32]:
    values = np.array(feature.float_list.value, np.float32)
    if len(values) != length:
        raise ValueError(f"feature {name!r} has {len(values)} numbers, must have {length}")
    return values


def _frames(feature_list: Any, length: int, name: str) -> NDArray[np.float32]:
    """Computes the mean of a list of byte strings, one per frame, float32 [length]."""
    rows: list[bytes] = [value for feature in feature_list.feature for value in feature.bytes_list.value]
    if not rows:
        raise ValueError(f"list {name!r} has no frame")
    for number, row in enumerate(rows, start=1):
        if len(row) != length:
            raise ValueError(f"list {name!r}, frame {number}: has {len(row)} bytes, must have {length}")
    mean: NDArray[np.float32] = dequantized(np.frombuffer(b"".join(rows), np.uint8).reshape(-1, length)).mean(0)
    return mean
