from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.prediction.formats.yt8m.crc32c import crc32c, masked_crc32c
from preroll.perception.prediction.formats.yt8m.examples import dequantized, parse_example, read_tfrecord
from preroll.perception.prediction.formats.yt8m.record import FEATURES, Tagged
from preroll.perception.prediction.formats.yt8m.sequence_example import SequenceExample
from preroll.perception.prediction.formats.yt8m.tfrecord import read_records, record
from preroll.perception.prediction.framework.bad_input import Skipping
from preroll.perception.prediction.generators.yt8m_files import example, frame_example, write_tfrecord

VIDEOS = [
    Tagged(
        f"v{i}", np.array([i, 300 + i], np.int32), np.random.default_rng(i).standard_normal(FEATURES).astype(np.float32)
    )
    for i in range(3)
]


def test_crc32c_has_the_values_of_rfc_3720() -> None:
    assert crc32c(b"") == 0
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E


def test_records_are_what_tensorboard_writes(tmp_path: Path) -> None:
    from tensorboard.summary.writer.record_writer import RecordWriter

    path = tmp_path / "theirs"
    with path.open("wb") as file:
        RecordWriter(file).write(b"some data")
    assert path.read_bytes() == record(b"some data")
    assert masked_crc32c(b"some data") == int.from_bytes(path.read_bytes()[-4:], "little")


def test_video_level_examples_are_read(tmp_path: Path) -> None:
    path = tmp_path / "train00.tfrecord"
    write_tfrecord(path, VIDEOS)
    for found, expected in zip(read_tfrecord(path, Skipping()), VIDEOS, strict=True):
        assert (found.id, found.labels.tolist()) == (expected.id, expected.labels.tolist())
        np.testing.assert_array_equal(found.features, expected.features)


def test_frame_level_examples_are_dequantised_and_averaged(rng: np.random.Generator) -> None:
    rgb, audio = rng.integers(0, 256, (9, 1024), np.uint8), rng.integers(0, 256, (9, 128), np.uint8)
    found = parse_example(frame_example("f", [7, 2, 7], rgb, audio))
    assert found.labels.tolist() == [2, 7]
    expected = np.concatenate((rgb, audio), 1) * (4 / 255) + 4 / 512 - 2
    np.testing.assert_allclose(found.features, expected.mean(0), atol=1e-5)
    np.testing.assert_allclose(dequantized(np.array([0, 255], np.uint8)), [-1.9921875, 2.0078125])


def damaged(path: Path, place: int) -> Path:
    write_tfrecord(path, VIDEOS)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(bytes(content))
    return path


def test_a_record_with_a_wrong_crc_is_told_and_the_next_one_follows(tmp_path: Path) -> None:
    size = len(record(example(VIDEOS[0])))
    path = damaged(tmp_path / "bad", size + 100)
    with pytest.raises(PrerollError, match="record 2: the crc of its data is wrong"):
        list(read_tfrecord(path, Skipping()))
    skipping = Skipping(allowed=True)
    assert [one.id for one in read_tfrecord(path, skipping)] == ["v0", "v2"]
    assert len(skipping.found) == 1


def test_after_a_damaged_length_nothing_can_be_found(tmp_path: Path) -> None:
    size = len(record(example(VIDEOS[0])))
    skipping = Skipping(allowed=True)
    assert len(list(read_records(damaged(tmp_path / "bad", size + 2), skipping))) == 1
    assert "what follows cannot be found" in skipping.found[0]


def test_a_file_that_ends_early_is_told(tmp_path: Path) -> None:
    path = tmp_path / "short"
    path.write_bytes(record(b"abc") + record(b"defghi")[:-5])
    with pytest.raises(PrerollError, match="record 2: the file ends inside of its data"):
        list(read_records(path, Skipping()))


def with_feature(key: str, value: dict[str, Any]) -> bytes:
    """A sound example with another value of one feature."""
    found = SequenceExample.FromString(example(VIDEOS[0]))
    kept = [one for one in found.context.feature if one.key != key]
    return bytes(SequenceExample(context={"feature": [*kept, {"key": key, "value": value}]}).SerializeToString())


@pytest.mark.parametrize(
    ("message", "data"),
    [
        ("has no feature 'mean_rgb', only id", b"\x0a\x06\x0a\x04\x0a\x02id"),
        ("feature 'id' has 0 values", with_feature("id", {})),
        (
            "feature 'mean_rgb' has 0 numbers, must have 1024",
            with_feature("mean_rgb", {"bytes_list": {"value": [b"x"]}}),
        ),
        ("label -1 is not known, must be 0 … 3861", with_feature("labels", {"int64_list": {"value": [-1, 5]}})),
        ("is no tf.train.Example", example(VIDEOS[0])[:-1]),
        ("feature 'mean_rgb' has 10 numbers, must have 1024", b""),
        ("label 3862 is not known", b""),
        ("has no label", b""),
        ("feature 5 of 1152 is not a finite number", b""),
    ],
)
def test_an_example_that_lacks_something_is_bad(message: str, data: bytes) -> None:
    features = VIDEOS[0].features.copy()
    if "finite" in message:
        features[4] = np.nan
    labels = [3862] if "3862" in message else [] if "no label" in message else [1]
    one = Tagged("x", np.array(labels, np.int32), features[:10] if "10 numbers" in message else features)
    with pytest.raises(ValueError, match=message):
        parse_example(data or example(one))


def test_an_example_to_be_predicted_needs_no_label() -> None:
    one = example(Tagged("x", np.zeros(0, np.int32), VIDEOS[0].features))
    assert parse_example(one, labeled=False).labels.tolist() == []
    without = one.replace(b"labels", b"lebals")
    assert parse_example(without, labeled=False).id == "x"
    with pytest.raises(ValueError, match="has no feature 'labels'"):
        parse_example(without)


def test_bytes_that_are_no_message_are_refused() -> None:
    for data in (b"\x0a\xff", b"\x80", b"\x0f", b"\xff" * 12):
        with pytest.raises(ValueError, match=r"^is no tf\.train\.Example$"):
            parse_example(data)


def test_an_example_that_is_damaged_below_a_right_crc_is_told_and_the_next_one_follows(tmp_path: Path) -> None:
    path = tmp_path / "bad"
    path.write_bytes(record(example(VIDEOS[0])[:-1]) + record(example(VIDEOS[1])))
    skipping = Skipping(allowed=True)
    assert [one.id for one in read_tfrecord(path, skipping)] == ["v1"]
    assert skipping.found == [f"{path}, record 1: is no tf.train.Example"]


def field(number: int, content: bytes) -> bytes:
    """A field of bytes as it is stored: number and type, length in seven bits a byte, content."""
    size, length = len(content), bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + content


def entry(key: bytes, value: bytes) -> bytes:
    return field(1, field(1, key) + field(2, value))


def test_what_is_written_are_the_bytes_of_tensorflow_s_messages() -> None:
    context = entry(b"id", field(1, field(1, b"v"))) + entry(b"labels", field(3, field(1, bytes([3, 0xAC, 2]))))
    rgb = entry(b"rgb", b"".join(field(1, field(1, field(1, bytes([frame] * 2)))) for frame in (7, 8)))
    audio = entry(b"audio", field(1, field(1, field(1, bytes([9])))))
    written = frame_example("v", [3, 300], np.array([[7, 7], [8, 8]], np.uint8), np.array([[9]], np.uint8))
    assert written == field(1, context) + field(2, rgb + audio)


def test_numbers_that_are_not_packed_mean_the_same() -> None:
    """TensorFlow packs numbers; protocol buffers allow each to be a field of its own."""
    features = VIDEOS[0].features
    parts = {b"mean_rgb": features[:1024], b"mean_audio": features[1024:]}
    apart = {key: b"".join(b"\x0d" + value.tobytes() for value in values) for key, values in parts.items()}
    context = entry(b"id", field(1, field(1, b"v"))) + entry(b"labels", field(3, b"\x08\x05\x08\x03"))
    found = parse_example(field(1, context + b"".join(entry(key, field(2, value)) for key, value in apart.items())))
    assert found.labels.tolist() == [3, 5]
    np.testing.assert_array_equal(found.features, features)
