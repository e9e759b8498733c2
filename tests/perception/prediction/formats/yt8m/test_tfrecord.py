from pathlib import Path

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.prediction.formats.yt8m.crc32c import crc32c, masked_crc32c
from preroll.perception.prediction.formats.yt8m.examples import dequantised, parse_example, read_tfrecord
from preroll.perception.prediction.formats.yt8m.protobuf import ProtobufError, encoded, fields
from preroll.perception.prediction.formats.yt8m.record import FEATURES, Tagged
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
    np.testing.assert_allclose(dequantised(np.array([0, 255], np.uint8)), [-1.9921875, 2.0078125])


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


@pytest.mark.parametrize(
    ("message", "data"),
    [
        ("has no feature 'mean_rgb'", encoded(1, encoded(1, encoded(1, b"id") + encoded(2, b"")))),
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
        with pytest.raises(ProtobufError):
            list(fields(data))
