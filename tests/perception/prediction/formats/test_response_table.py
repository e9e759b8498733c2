import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preroll.bounded import limits
from preroll.errors import PrerollError
from preroll.perception.prediction.formats.response_table import read_response_table

ROWS = [("cats/0.mp4", "shop.long", 0.25), ("cats/0.mp4", "shop.short", 1.0), ("cars/1", "shop.long", 0.0)]
#: What a spreadsheet, a script or a slip may put into a field.
FIELDS = st.one_of(
    st.text(max_size=6), st.floats().map(str), st.sampled_from(["", "nan", "0x1", "1_0", "0,5", '"', "½"])
)


def csv(tmp_path: Path, text: str, name: str = "p.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def read(path: Path) -> list[tuple[str, str, float]]:
    table = read_response_table(path)
    names = ([one.distinct[i] for i in one.row] for one in (table.videos, table.ads))
    return list(zip(*names, table.probability.tolist(), strict=True))


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".PARQUET"])
def test_both_formats_say_the_same(tmp_path: Path, suffix: str) -> None:
    """Further columns, and columns in another order, are nobody's mistake."""
    frame = pd.DataFrame(ROWS, columns=["video", "ad", "probability"])[["probability", "ad", "video"]]
    frame["note"] = "mine"
    path = tmp_path / f"p{suffix}"
    if suffix == ".csv":
        frame.to_csv(path)
    else:
        frame.to_parquet(path)
    assert read(path) == ROWS


def test_names_may_need_quotes_and_the_file_may_begin_with_a_mark(tmp_path: Path) -> None:
    path = csv(tmp_path, '\ufeffvideo,ad,probability\r\n"a, b/""c""\n.mp4",shop.long,.5\r\n\r\n')
    assert read(path) == [('a, b/"c"\n.mp4', "shop.long", 0.5)]


def test_parquet_may_hold_numbers_of_any_kind_and_categories(tmp_path: Path) -> None:
    frame = pd.DataFrame({"video": ["a", "b"], "ad": ["x.y", "x.y"], "probability": np.array([0, 1], np.int8)})
    frame.astype({"video": "category"}).to_parquet(tmp_path / "p.parquet")
    assert read(tmp_path / "p.parquet") == [("a", "x.y", 0.0), ("b", "x.y", 1.0)]


HEADING = "video,ad,probability\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read: Empty CSV file"),
        (HEADING, "it has no row"),
        ("video,ad\na,x.y\n", "must have the columns video, ad, probability, once each; it has video, ad"),
        ("video,ad,probability,ad\na,x.y,1,x.z\n", "once each; it has video, ad, probability, ad"),
        (HEADING + "a,x.y\n", "cannot be read: .*Expected 3 columns, got 2"),
        (HEADING + "a,x.y,0.5\nb,x.y,0_1\n", r"row 2 \(b, x\.y\): probability '0_1' must be a number in \[0, 1\]"),
        (HEADING + "a,x.y,0.5\nb,x.y,1.5\n", r"row 2 \(b, x\.y\): probability '1\.5' must be a number in \[0, 1\]"),
        (HEADING + "a,x.y,-0.1\n", r"row 1 \(a, x\.y\): probability '-0\.1' must"),
        (HEADING + "a,x.y,0.5\nb,x.y,often\n", r"row 2 \(b, x\.y\): probability 'often' must"),
        (HEADING + "a,x.y,\n", r"row 1 \(a, x\.y\): probability '' must"),
        (HEADING + "a,x.y,nan\n", "probability 'nan' must"),
        (HEADING + ",x.y,1\n", "row 1 .*: video is empty"),
        (HEADING + "a,x.y,1\na,,1\n", "row 2 .*: ad is empty"),
    ],
)
def test_what_is_wrong_with_a_row_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = csv(tmp_path, text)
    with pytest.raises(PrerollError, match=message) as error:
        read_response_table(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_text_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes(HEADING.encode() + b"\xff,x.y,1\n")
    with pytest.raises(PrerollError, match="cannot be read"):
        read_response_table(path)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"video": [1], "ad": ["x.y"], "probability": [1.0]}, "column 'video' must hold text, not int64"),
        ({"video": ["a"], "ad": ["x.y"], "probability": [True]}, "column 'probability' must hold numbers, not bool"),
        ({"video": ["a"], "ad": [None], "probability": [1.0]}, "column 'ad' must hold text, not null"),
        ({"video": ["a", None], "ad": ["x.y"] * 2, "probability": [1.0] * 2}, "row 2 .*: video is empty"),
        ({"video": ["a"], "ad": ["x.y"], "probability": [math.inf]}, "probability inf must be a number"),
        ({"video": ["a", "b"], "ad": ["x.y"] * 2, "probability": [0.5, None]}, r"row 2 \(b, x\.y\): probability None"),
    ],
)
def test_a_parquet_file_of_something_else_is_one_line(
    tmp_path: Path, columns: dict[str, list[Any]], message: str
) -> None:
    pq.write_table(pa.table(columns), tmp_path / "p.parquet")
    with pytest.raises(PrerollError, match=message):
        read_response_table(tmp_path / "p.parquet")


def test_what_is_no_table_is_one_line(tmp_path: Path) -> None:
    for name, message in (
        ("p.xlsx", r"must end in \.csv or \.parquet"),
        ("no.csv", "No such file"),
        (".csv", "must end"),
    ):
        with pytest.raises(PrerollError, match=message):
            read_response_table(tmp_path / name)
    with pytest.raises(PrerollError, match=r"p\.parquet: cannot be read"):
        read_response_table(csv(tmp_path, HEADING, "p.parquet"))
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(PrerollError, match=r"d\.csv: cannot be read"):
        read_response_table(tmp_path / "d.csv")


def test_a_small_file_that_unfolds_to_too_many_rows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RESPONSE_ROWS", 1000)
    text = pa.array(["a"] * 1001)
    pq.write_table(pa.table({"video": text, "ad": text, "probability": np.zeros(1001)}), tmp_path / "p.parquet")
    with pytest.raises(PrerollError, match="unfolds to 1,001 rows"):
        read_response_table(tmp_path / "p.parquet")
    monkeypatch.setattr(limits, "RESPONSE", 100)
    for path in (csv(tmp_path, HEADING + "a,x.y,1\n" * 20), tmp_path / "p.parquet"):
        with pytest.raises(PrerollError, match="cannot be read: is larger than"):
            read_response_table(path)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(FIELDS, FIELDS, FIELDS), min_size=1, max_size=4))
def test_whatever_the_fields_hold_the_rows_come_back_or_one_line(tmp_path: Path, rows: list[tuple[str, ...]]) -> None:
    path = tmp_path / "any.csv"
    pd.DataFrame(rows, columns=["video", "ad", "probability"]).to_csv(path, index=False)
    if all(video and ad and is_share(text) for video, ad, text in rows):
        assert read(path) == [(video, ad, float(text)) for video, ad, text in rows]
        return
    with pytest.raises(PrerollError) as error:
        read_response_table(path)
    assert "\n" not in str(error.value)


def is_share(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False
