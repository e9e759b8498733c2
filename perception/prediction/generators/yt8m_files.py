"""Writers of YouTube-8M's file formats."""

import gzip
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.files import atomic
from preroll.perception.prediction.formats.yt8m.record import CLASSES, VISUAL, Tagged
from preroll.perception.prediction.formats.yt8m.sequence_example import SequenceExample
from preroll.perception.prediction.formats.yt8m.tfrecord import record


def csv_line(video: Tagged) -> bytes:
    """Returns one line of the CSV: 3862 labels, 1152 features and an empty field."""
    labels = np.full(CLASSES, "0")
    labels[video.labels] = "1"
    return (",".join([*labels, *(f"{value:.7g}" for value in video.features)]) + ",\n").encode()


def write_csv(path: Path, videos: Iterable[Tagged]) -> None:
    """Writes videos as ``.csv``, or gzip-compressed as ``.csv.gz``."""
    content = b"".join(csv_line(video) for video in videos)
    atomic.write_bytes(path, gzip.compress(content, 1, mtime=0) if path.suffix == ".gz" else content)


def write_tfrecord(path: Path, videos: Iterable[Tagged]) -> None:
    """Writes videos as a TFRecord file of video-level examples."""
    atomic.write_bytes(path, b"".join(record(example(video)) for video in videos))


def example(video: Tagged) -> bytes:
    """Serialises a video as a video-level ``tf.train.Example``."""
    numbers = {"mean_rgb": video.features[:VISUAL], "mean_audio": video.features[VISUAL:]}
    context = _context(video.id, video.labels) + [
        {"key": key, "value": {"float_list": {"value": values}}} for key, values in numbers.items()
    ]
    return _serialized(context={"feature": context})


def frame_example(name: str, labels: Sequence[int], rgb: NDArray[np.uint8], audio: NDArray[np.uint8]) -> bytes:
    """Serialises a video as a frame-level ``tf.train.SequenceExample``.

    Args:
        name: id of the video.
        labels: class numbers of the video.
        rgb: uint8 [frames, 1024].
        audio: uint8 [frames, 128].
    """
    lists = [
        {"key": key, "value": {"feature": [{"bytes_list": {"value": [row.tobytes()]}} for row in rows]}}
        for key, rows in (("rgb", rgb), ("audio", audio))
    ]
    return _serialized(context={"feature": _context(name, labels)}, feature_lists={"feature_list": lists})


def vocabulary_csv(names: dict[int, str]) -> str:
    """Returns the content of a ``yt8m_voc.csv`` with quoted class names; unnamed classes become Entity NUMBER."""
    lines = ["Index,TrainVideoCount,KnowledgeGraphId,Name,WikiUrl,Vertical1,Vertical2,Vertical3,WikiDescription"]
    for k in range(CLASSES):
        name = names.get(k, f"Entity {k}").replace('"', '""')
        lines.append(f'{k},{CLASSES - k},/m/{k:05x},"{name}",,Made up,,,"A class, made up."')
    return "\n".join(lines) + "\n"


def _context(name: str, labels: "Sequence[int] | NDArray[np.integer]") -> list[dict[str, Any]]:
    """Returns the entries that both kinds of examples have."""
    return [
        {"key": "id", "value": {"bytes_list": {"value": [name.encode()]}}},
        {"key": "labels", "value": {"int64_list": {"value": labels}}},
    ]


def _serialized(**parts: Any) -> bytes:
    found: bytes = SequenceExample(**parts).SerializeToString(deterministic=True)
    return found
