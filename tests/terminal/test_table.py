from collections.abc import Callable

import pytest

from preroll.terminal.table import print_table
from tests.terminal.pseudo_terminal import shown


def test_a_piped_table_is_aligned_text_that_nothing_folds(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["name", "n", "last"], [["長い", 1, "a\nb"], ["x" * 300, 22, ""]], left=["name", "last"])
    assert capsys.readouterr().out.splitlines() == [
        f"{'name':300}   n  last", f"長い{'':296}   1  a\\nb", f"{'x' * 300}  22"
    ]  # fmt: skip


def table() -> None:
    rows = [("first", "12.5", "seven", "told in some words"), ("second", "3.0", "8", "")]
    columns = ("name", "size", "spare", "note")
    print_table(columns, rows, left=("name", "note"), prose=("note",), spare=("note", "spare"))


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        (
            40,
            [
                "name    size  spare  note",
                "───────────────────────────────────────",
                "first   12.5  seven  told in some words",
                "second   3.0      8",
            ],
        ),
        (
            20,
            [
                "name    size  spare",
                "───────────────────",
                "first   12.5  seven",
                "second   3.0      8",
                "first: told in some",
                "words",
            ],
        ),
        (
            14,
            [
                "name    size",
                "────────────",
                "first   12.5",
                "second   3.0",
                "first: told in",
                "some words",
                "No room for:",
                "spare. A wider",
                "terminal shows",
                "all, and so",
                "does `| cat`.",
            ],
        ),
        (
            10,
            [
                "name   first",
                "size   12.5",
                "spare  seven",
                "note   told",
                "       in",
                "       some",
                "       words",
                "",
                "name   second",
                "size   3.0",
                "spare  8",
            ],
        ),
    ],
)
def test_a_narrow_terminal_gets_fewer_columns_which_are_told_and_then_blocks(
    columns: int, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shown(monkeypatch, columns, table).splitlines() == lines


def test_a_matrix_that_is_too_wide_is_turned_and_one_too_wide_both_ways_is_told_in_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def matrix(names: int) -> Callable[[], None]:
        rows = [(f"category{k}", *("long-name",) * 3) for k in range(names)]
        columns = ("category", "0", "1", "2")
        return lambda: print_table(columns, rows, left=columns, turn="level")

    assert shown(monkeypatch, 45, matrix(2)).split("\n")[0] == "category   0          1          2"
    assert shown(monkeypatch, 30, matrix(2)).split("\n")[0] == "level  category0  category1"
    assert shown(monkeypatch, 30, matrix(9)).split("\n")[:2] == ["category  category0", "0         long-name"]


def test_names_of_groups_stand_above_their_rows_before_anything_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def groups() -> None:
        rows = [("a-long-name", "one", 1, 10), ("a-long-name", "two", 2, 20), ("b", "one", 3, 30)]
        print_table(("point", "agent", "n", "m"), rows, left=("point", "agent"), spare=("m",), group=True)

    assert shown(monkeypatch, 25, groups).splitlines()[0] == "point        agent  n   m"
    assert shown(monkeypatch, 20, groups).splitlines() == [
        "agent  n   m",
        "────────────",
        "point: a-long-name",
        "one    1  10",
        "two    2  20",
        "",
        "point: b",
        "one    3  30",
    ]
    assert shown(monkeypatch, 10, groups).splitlines()[0] == "agent  n"
