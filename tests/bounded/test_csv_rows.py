"""Tables that people write by hand are read as they mean them, and what is wrong is told with its line."""

from pathlib import Path

import pytest

from preroll.bounded.csv_rows import csv_rows
from preroll.errors import PrerollError


def rows(file: Path, content: bytes) -> list[tuple[int, dict[str, str]]]:
    file.write_bytes(content)
    return list(csv_rows(file, lambda heading: None, "table"))


@pytest.mark.parametrize(
    "content",
    [
        b'a,b\n1,2\n3,"x,\ny"\n',
        b'\xef\xbb\xbfa,b\r\n1,2\r\n3,"x,\r\ny"\r\n',
        b' a , b \n 1,2 \n3,"x,\ny"',
    ],
)
def test_rows_come_by_column_with_their_last_line(content: bytes, tmp_path: Path) -> None:
    assert rows(tmp_path / "t.csv", content) == [(2, {"a": "1", "b": "2"}), (4, {"a": "3", "b": "x,\ny"})]


def test_an_empty_line_is_no_row(tmp_path: Path) -> None:
    assert rows(tmp_path / "t.csv", b"a,b\n\n1,2\n\n") == [(3, {"a": "1", "b": "2"})]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a,b\n1\n", "table, line 2: should have 2 fields"),
        (b"a,b\n1,2\n1,2,3\n", "table, line 3: should have 2 fields"),
        (b"a,b\n1,\0\n", "table: is no text"),
        (b"a,b\n1,\xff\n", "table: cannot be read: 'utf-8' codec"),
        (b'a,b\n1,"2\n', "table, line 2: unexpected end of data"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(content: bytes, told: str, tmp_path: Path) -> None:
    with pytest.raises(PrerollError) as raised:
        rows(tmp_path / "t.csv", content)
    assert str(raised.value).startswith(told)


def test_the_heading_is_checked_before_any_row(tmp_path: Path) -> None:
    def refuse(heading: list[str]) -> None:
        raise PrerollError(" ".join(heading))

    (tmp_path / "t.csv").write_text("a,b\n1\n")
    with pytest.raises(PrerollError, match="a b"):
        list(csv_rows(tmp_path / "t.csv", refuse))
