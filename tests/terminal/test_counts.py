"""Counts: digits and powers of ten; what is no whole number from 1 is refused, however it is written."""

import pytest
import typer

from preroll.terminal.counts import parse_count, parse_seed


@pytest.mark.parametrize(
    ("text", "count"), [("1", 1), ("5000", 5000), ("1e5", 100_000), ("2.5E3", 2500), ("1e9", 10**9)]
)
def test_a_count_is_digits_or_a_power_of_ten(text: str, count: int) -> None:
    assert parse_count(text) == count


@pytest.mark.parametrize(
    "text", ["0", "-1", "1.5", "1e-3", "1e10", "1e999999999", "nan", "inf", "", "ten", "5k", "0x10"]
)
def test_nothing_else_is_one(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="must be a whole number from 1 to 1e9, such as 5000 or 1e5"):
        parse_count(text)


def test_a_seed_may_be_zero_and_is_written_as_a_count_is() -> None:
    assert [parse_seed(text) for text in ("0", "7", "1e4")] == [0, 7, 10_000]
    for text in ("-1", "0.5", "x"):
        with pytest.raises(typer.BadParameter, match="must be a whole number from 0 to 1e30, such as 7 or 1e5"):
            parse_seed(text)
