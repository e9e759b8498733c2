import csv
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.prediction.formats.memorability_csv import (
    AUDIO_COLUMNS,
    C3D_COLUMNS,
    read_captions,
    read_ground_truth,
    read_vectors,
    said_once,
)
from preroll.perception.prediction.framework.bad_input import Skipping
from preroll.perception.prediction.framework.settings import MemorabilityData
from preroll.perception.prediction.memorability.data import read_clips
from tests.perception.prediction.conftest import Made

HEADING = (
    "movie_name,start(sec),end(sec),sequence_name,Neutral (1)_Typical (0),nb_annotations,memorability_score,"
    "memorabable\n"
)
ROWS = ["Alien,0,10,a_1,0,10,0.7,1\n", "Alien,10,20,a_2,0,8,0.5,0\n", "Jaws,0,10,j_1,1,12,0.25,0\n"]


READERS: dict[str, Callable[[Path, Skipping], Iterable[str]]] = {
    "ground_truth": lambda path, skipping: read_ground_truth(path, skipping).names,
    "caption_features": read_captions,
    "audio_vectors": lambda path, skipping: read_vectors(path, AUDIO_COLUMNS, skipping, once=False),
    "c3d_vectors": lambda path, skipping: read_vectors(path, C3D_COLUMNS, skipping, once=True),
}


def truth_file(tmp_path: Path, rows: list[str], heading: str = HEADING) -> Path:
    path = tmp_path / "ground_truth.csv"
    path.write_text("\ufeff" + heading + "".join(rows), "utf8")
    return path


@pytest.mark.parametrize("column", ["memorabable", "memorable"])
def test_ground_truth_with_a_bom_and_either_spelling(tmp_path: Path, column: str) -> None:
    truth = read_ground_truth(truth_file(tmp_path, ROWS, HEADING.replace("memorabable", column)), Skipping())
    assert truth.names == ("a_1", "a_2", "j_1")
    assert truth.movies == ("Alien", "Alien", "Jaws")
    assert truth.scores.tolist() == [0.7, 0.5, 0.25]
    assert truth.annotations.tolist() == [10, 8, 12]
    assert truth.disagreeing == 0


def test_a_score_of_exactly_one_half_is_not_memorable(tmp_path: Path) -> None:
    truth = read_ground_truth(truth_file(tmp_path, ROWS), Skipping())
    assert truth.memorable.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Jaws,0,10,a_1,1,12,0.25,0\n", "row 5: sequence_name 'a_1' occurs twice"),
        ("Jaws,0,10,,1,12,0.25,0\n", "row 5: sequence_name is empty"),
        ("Jaws,0,10,j_2,1,12,1.25,0\n", "row 5: memorability_score '1.25' must lie in"),
        ("Jaws,0,10,j_2,1,12,,0\n", "row 5: memorability_score '' must lie in"),
        ("Jaws,0,10,j_2,1,0,0.25,0\n", "row 5: nb_annotations .* must be a whole number"),
        ("Jaws,0,10,j_2,1,9.5,0.25,0\n", "row 5: nb_annotations '9.5' must be a whole number"),
        (",0,10,j_2,1,12,0.25,0\n", "row 5: movie_name is empty"),
        ("Jaws,0,10,j_2,1,12,0.25,0,9\n", "row 5: has 9 fields, must have 8"),
        ("Jaws,0,10,j_2,1,12\n", "row 5: has 6 fields, must have 8"),
        ('Jaws,0,10,"j_2,1,12,0.25,0\n', "row 5: cannot be split into fields: unexpected end of data"),
    ],
)
def test_a_bad_row_is_told_and_may_be_skipped(tmp_path: Path, row: str, message: str) -> None:
    path = truth_file(tmp_path, [*ROWS, row])
    with pytest.raises(PrerollError, match=message):
        read_ground_truth(path, Skipping())
    skipping = Skipping(allowed=True)
    assert len(read_ground_truth(path, skipping).names) == 3
    assert len(skipping.found) == 1


def test_a_heading_without_a_column_or_with_one_twice_is_told(tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match=r"lacks the column 'movie_name'; must have sequence_name and movie_name, "):
        read_ground_truth(truth_file(tmp_path, ROWS, HEADING.replace("movie_name", "film")), Skipping())
    with pytest.raises(PrerollError, match="has the column 'movie_name' twice"):
        read_ground_truth(truth_file(tmp_path, ROWS, HEADING.replace("start(sec)", "movie_name")), Skipping())
    with pytest.raises(PrerollError, match="lacks the column 'sequence_name'"):
        read_ground_truth(truth_file(tmp_path, [], ""), Skipping())


def damaged(row: list[str]) -> dict[str, list[str]]:
    return {"one field more": [*row, "0"], "one field less": row[:-1]}


@pytest.mark.parametrize("damage", damaged([""]))
@pytest.mark.parametrize("table", READERS)
def test_a_row_with_another_number_of_fields_is_one_line_in_every_table_and_may_be_skipped(
    clip_files: Made, tmp_path: Path, table: str, damage: str
) -> None:
    source = clip_files[0] / f"{table}.csv"
    heading, first, second, *_ = csv.reader(source.read_text("utf-8-sig").splitlines())
    path = tmp_path / source.name
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([heading, first, damaged(second)[damage], second])
    told = f"{path}, row 3: has {len(heading) + (1 if 'more' in damage else -1)} fields, must have {len(heading)}"
    with pytest.raises(PrerollError) as error:
        READERS[table](path, Skipping())
    assert str(error.value) == f"{told} (skip_bad=True skips it)"
    skipping = Skipping(allowed=True)
    names = READERS[table](path, skipping)
    assert skipping.found == [told]
    column = heading.index("sequence_name")
    assert list(names) == list(dict.fromkeys((first[column], second[column])))


def test_a_paragraph_that_is_repeated_ten_times_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "caption_features.csv"
    paragraph = "A man, a plan. A canal is a canal."
    path.write_text(f'sequence_name,cc\na_1,"{paragraph * 10}"\na_2,Once.\nj_1,\n', "utf8")
    skipping = Skipping(allowed=True)
    assert read_captions(path, skipping) == {"a_1": paragraph, "a_2": "Once."}
    assert skipping.found == [f"{path}, row 4: has no caption"]
    assert said_once("abab") == "ab"
    assert said_once("abaab") == "abaab"


def test_rows_of_a_clip_are_averaged_and_unnamed_columns_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "audio_vectors.csv"
    path.write_text(",sequence_name,1,2,\n0,j_1,1,2,\n1,a_1,5,5,\n2,j_1,3,4,\n")
    found = read_vectors(path, ("1", "2"), Skipping(), once=False)
    assert {name: vector.tolist() for name, vector in found.items()} == {"j_1": [2, 3], "a_1": [5, 5]}


def test_vectors_with_other_columns_or_nan_are_bad(tmp_path: Path) -> None:
    path = tmp_path / "c3d_vectors.csv"
    path.write_text("sequence_name,0,1,\na,1,2,\nb,1,,\nc,3,4,\n")
    with pytest.raises(PrerollError, match="row 3, column '1': '' must be a finite number"):
        read_vectors(path, ("0", "1"), Skipping(), once=True)
    # It is finite, but was told after the training, by a file of the model that could not hold it.
    (tmp_path / "large.csv").write_text("sequence_name,0,1\na,1,2\nb,1e100,3\n")
    with pytest.raises(PrerollError, match=r"row 3, column '0': '1e100' must be a finite number below 1e\+18"):
        read_vectors(tmp_path / "large.csv", ("0", "1"), Skipping(), once=True)
    assert list(read_vectors(path, ("0", "1"), Skipping(allowed=True), once=True)) == ["a", "c"]
    with pytest.raises(PrerollError, match="lacks the column '2'"):
        read_vectors(path, ("0", "1", "2"), Skipping(), once=True)
    with pytest.raises(PrerollError, match="has the column '1'"):
        read_vectors(path, ("0",), Skipping(), once=True)
    path.write_text("sequence_name,0,1,\na,1,2,3\n")
    with pytest.raises(PrerollError, match="row 2, column 4: '3' must be empty, as its heading is"):
        read_vectors(path, ("0", "1"), Skipping(), once=True)


def test_a_second_c3d_row_of_a_clip_is_an_error_and_no_mean(tmp_path: Path) -> None:
    path = tmp_path / "c3d_vectors.csv"
    path.write_text("sequence_name,0,1\na,1,2\n\na,3,4\nb,5,6\n")
    with pytest.raises(PrerollError, match="row 4: sequence_name 'a' occurs twice"):
        read_vectors(path, ("0", "1"), Skipping(), once=True)
    skipping = Skipping(allowed=True)
    found = read_vectors(path, ("0", "1"), skipping, once=True)
    assert {name: vector.tolist() for name, vector in found.items()} == {"a": [1, 2], "b": [5, 6]}
    assert skipping.found == [f"{path}, row 4: sequence_name 'a' occurs twice"]


def test_a_caption_over_several_lines_is_one_row_and_the_next_is_counted_as_an_editor_does(tmp_path: Path) -> None:
    path = tmp_path / "caption_features.csv"
    path.write_bytes(b'\xef\xbb\xbfsequence_name,cc\r\na_1,"Two\nlines."\r\na_2\r\na_3,caf\xe9\r\na_4,caf\xc3\xa9\r\n')
    skipping = Skipping(allowed=True)
    assert read_captions(path, skipping) == {"a_1": "Two\nlines.", "a_4": "caf\N{LATIN SMALL LETTER E WITH ACUTE}"}
    assert skipping.found == [f"{path}, row 4: has 1 fields, must have 2", f"{path}, row 5: is not UTF-8 text"]


def test_tables_are_joined_by_name_and_what_they_lack_is_told(tmp_path: Path) -> None:
    truth = truth_file(tmp_path, ROWS)
    captions = tmp_path / "captions.csv"
    captions.write_text("sequence_name,cc\nj_1,Jaws bites.\nother,Not scored.\na_1,Alien.\n")
    data = read_clips(MemorabilityData(ground_truth=truth, captions=captions), Skipping())
    assert data.features.texts(data.truth.names) == ["Alien.", None, "Jaws bites."]
    assert data.features.differences(data.truth.names) == (
        "captions lack 1 of 3 clips: a_2; the mean is used.",
        "captions hold clips without a score (1), from which nothing is learnt: other.",
    )


def test_tables_without_a_common_name_are_an_error(tmp_path: Path) -> None:
    captions = tmp_path / "captions.csv"
    captions.write_text("sequence_name,cc\nx,Text.\n")
    data = MemorabilityData(ground_truth=truth_file(tmp_path, ROWS), captions=captions)
    with pytest.raises(PrerollError, match="compare sequence_name"):
        read_clips(data, Skipping())
    with pytest.raises(PrerollError, match="names no features"):
        read_clips(MemorabilityData(ground_truth=data.ground_truth), Skipping())
    assert np.isfinite(read_ground_truth(data.ground_truth, Skipping()).scores).all()
