import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.prediction.formats.yt8m.arrays import TagArrays, converted
from preroll.perception.prediction.formats.yt8m.csv import FIELDS, read_csv
from preroll.perception.prediction.formats.yt8m.record import CLASSES, FEATURES, Tagged
from preroll.perception.prediction.formats.yt8m.vocabulary import read_vocabulary
from preroll.perception.prediction.framework.bad_input import Skipping
from preroll.perception.prediction.generators.yt8m_files import csv_line, vocabulary_csv, write_csv


def video(name: str, *labels: int) -> Tagged:
    features = np.random.default_rng(list(name.encode())).standard_normal(FEATURES).astype(np.float32)
    return Tagged(name, np.array(labels, np.int32), features)


VIDEOS = [video("a", 0, 3861), video("b", 17), video("c", 5, 6, 7)]


@pytest.mark.parametrize("name", ["train_0.csv", "train_0.csv.gz"])
def test_what_was_written_is_read(tmp_path: Path, name: str) -> None:
    write_csv(tmp_path / name, VIDEOS)
    found = list(read_csv(tmp_path / name, Skipping()))
    assert [one.id for one in found] == [f"{name}:{row}" for row in (1, 2, 3)]
    for one, expected in zip(found, VIDEOS, strict=True):
        assert one.labels.tolist() == expected.labels.tolist()
        np.testing.assert_allclose(one.features, expected.features, rtol=1e-6)


def _field(column: int, text: bytes) -> Callable[[bytes], bytes]:
    def change(line: bytes) -> bytes:
        fields = line.split(b",")
        fields[column - 1] = text
        return b",".join(fields)

    return change


BAD: list[tuple[Callable[[bytes], bytes], str]] = [
    (_field(12, b"2"), "row 2, column 12: label '2' must be 0 or 1"),
    (_field(12, b"10"), "row 2, column 12: label '10' must be 0 or 1"),
    (_field(3900, b"nan"), "row 2, column 3900: feature 'nan' must be a finite number below 1e+18"),
    (_field(5000, b"-1e30"), "row 2, column 5000: feature '-1e30' must be a finite number below 1e+18"),
    (_field(5014, b"inf"), "row 2, column 5014: feature 'inf' must be a finite number below 1e+18"),
    (_field(4000, b""), "row 2, column 4000: feature '' must be a finite number below 1e+18"),
    (_field(4000, b"1.5x"), "row 2, column 4000: feature '1.5x' must be a finite number below 1e+18"),
    (_field(FIELDS, b"3\n"), "row 2, column 5015: must be empty"),
    (lambda line: line[2:], "row 2: has 5014 fields, must have 5015"),
    (lambda line: b"," + line, "row 2: has 5016 fields, must have 5015"),
    (_field(18, b"0"), "row 2: has no label"),
    (lambda line: b"\n", "row 2: has 1 fields, must have 5015"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_a_bad_line_is_told_with_its_place_and_may_be_skipped(
    tmp_path: Path, change: Callable[[bytes], bytes], message: str
) -> None:
    lines = [csv_line(one) for one in VIDEOS]
    lines[1] = change(lines[1])
    path = tmp_path / "train_0.csv"
    path.write_bytes(b"".join(lines))
    with pytest.raises(PrerollError) as error:
        list(read_csv(path, Skipping()))
    assert str(error.value).startswith(f"{path}, {message}")
    assert "\n" not in str(error.value)
    skipping = Skipping(allowed=True)
    assert [one.id for one in read_csv(path, skipping)] == ["train_0.csv:1", "train_0.csv:3"]
    assert skipping.found == [f"{path}, {message}"]


def test_a_damaged_gzip_file_gives_what_comes_before_the_damage(tmp_path: Path) -> None:
    path = tmp_path / "train_0.csv.gz"
    content = gzip.compress(b"".join(csv_line(one) for one in VIDEOS))
    path.write_bytes(content[:-2000])
    skipping = Skipping(allowed=True)
    assert len(list(read_csv(path, skipping))) <= 2
    assert "cannot be read to its end" in skipping.found[-1]


def test_files_are_converted_once(tmp_path: Path) -> None:
    path = tmp_path / "train_0.csv"
    write_csv(path, VIDEOS)
    first = converted([path], read_csv, tmp_path / "cache", Skipping())
    calls: list[Path] = []

    def read_csv_again(path: Path, skipping: Skipping, *, labeled: bool) -> None:
        calls.append(path)

    read_csv_again.__name__ = "read_csv"
    again = converted([path], read_csv_again, tmp_path / "cache", Skipping())  # type: ignore[arg-type]
    assert not calls
    assert isinstance(again.features, np.memmap)
    assert again.ids == first.ids
    np.testing.assert_array_equal(again.targets(), first.targets())


def test_what_was_skipped_is_told_again_when_the_arrays_are_loaded(tmp_path: Path) -> None:
    path = tmp_path / "train_0.csv"
    path.write_bytes(csv_line(VIDEOS[0]) + b"1,2\n")
    found = []
    for _ in range(2):
        skipping = Skipping(allowed=True)
        converted([path], read_csv, tmp_path / "cache", skipping)
        found.append(skipping.found)
    assert found[0] == found[1] != []


def test_targets_are_dense_rows_of_the_asked_videos() -> None:
    arrays = TagArrays.collect(VIDEOS, Skipping())
    targets = arrays.targets(np.array([2, 0]))
    assert targets.shape == (2, CLASSES)
    assert [np.flatnonzero(row).tolist() for row in targets] == [[5, 6, 7], [0, 3861]]
    assert arrays.frequencies()[17] == pytest.approx(1 / 3)


def test_an_id_that_stands_twice_is_bad() -> None:
    skipping = Skipping(allowed=True)
    assert len(TagArrays.collect([VIDEOS[0], VIDEOS[0]], skipping)) == 1
    assert "stands twice" in skipping.found[0]


def test_names_of_classes_may_hold_commas_and_quotes(tmp_path: Path) -> None:
    path = tmp_path / "voc.csv"
    path.write_text(vocabulary_csv({3: 'Drums, snares and "toms"'}))
    names = read_vocabulary(path)
    assert (len(names), names[3]) == (CLASSES, 'Drums, snares and "toms"')
    path.write_text("\n".join(path.read_text().split("\n")[:-3]))
    with pytest.raises(PrerollError, match="must number 0 … 3861"):
        read_vocabulary(path)
