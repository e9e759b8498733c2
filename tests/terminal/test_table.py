import pytest

from preroll.terminal.table import print_table, width


def test_the_width_of_a_table_is_that_of_its_widest_entries_and_of_what_stands_between_them() -> None:
    assert width(["a", "bbb"], [["aaaa", "b"], ["", "bb"]]) == (4 + 3) + (3 + 3)
    assert width(["長い"], []) == 4 + 3  # wide letters take two columns


def test_a_piped_table_is_aligned_text_that_nothing_folds(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["name", "n", "last"], [["長い", 1, "a\nb"], ["x" * 300, 22, ""]], left=["name", "last"])
    assert capsys.readouterr().out.splitlines() == [
        f"{'name':300}   n  last", f"長い{'':296}   1  a\\nb", f"{'x' * 300}  22      "
    ]  # fmt: skip
