"""A card fits one screen, says what it leaves out, and is safe to print and to show."""

import re
from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len

from preroll.shown.card import LINES, WIDTH, Card

LARGE = Card(
    "a title " * 40,
    {f"fact {i}": "many words " * 40 for i in range(6)},
    [f"column {i}" for i in range(30)],
    [[i / 7 for _ in range(30)] for i in range(1000)],
)
WIDE = Card("猫" * 60, {"名": "猫 " * 80}, ("猫", "犬"), [("猫" * 50, "犬" * 50)] * 40)


def lines(card: Card) -> list[str]:
    return card.text().splitlines()


@pytest.mark.parametrize("card", [LARGE, WIDE], ids=["large", "wide letters"])
def test_a_card_fits_one_screen(card: Card) -> None:
    assert len(lines(card)) <= LINES
    assert max(map(cell_len, lines(card))) <= WIDTH


def test_what_has_no_room_is_counted() -> None:
    counted = "  … and 992 more rows and 22 more columns"
    assert lines(LARGE)[-1] == f"{counted}: column 8, column 9, column 10, …"
    assert lines(replace(LARGE, whole="to_frame()"))[-1] == f"{counted}: column 8, column 9, …; see to_frame()"
    assert lines(replace(LARGE, head=[*LARGE.head[:8], "a" * 50, *LARGE.head[9:]]))[-1] == counted
    assert sum(line.lstrip()[0] in "01" for line in lines(LARGE)[1:] if line) == 1000 - 992


def test_a_table_that_just_fits_is_whole() -> None:
    rows = [(f"ad {i}", i) for i in range(LINES - 3)]
    assert lines(Card("Ads", {}, ("ad", "number"), rows))[-1].split() == ["ad", f"{LINES - 4}", f"{LINES - 4}"]
    assert lines(Card("Ads", {}, ("ad", "number"), [*rows, ("last", 0)]))[-1] == "  … and 2 more rows"


def test_numbers_of_a_column_have_the_same_decimals() -> None:
    card = Card("Ads", {}, ("ad", "p", "n"), [("a", 0.5, 1000), ("b", 0.125, 2), ("c", None, 3), ("d", -1.0, 4)])
    assert [line.split() for line in lines(card)[3:]] == [
        ["a", "0.500", "1,000"],
        ["b", "0.125", "2"],
        ["c", "3"],
        ["d", "−1.000", "4"],
    ]


@pytest.mark.parametrize("rows", [0, 1, 3, 50])
def test_a_card_of_many_facts_leaves_room_for_its_table(rows: int) -> None:
    shown = lines(Card("Facts", {f"fact {i}": i for i in range(40)}, ("row",), [(f"row {i}",) for i in range(rows)]))
    assert len(shown) <= LINES
    assert sum("more lines" in line for line in shown) == 1
    assert sum(line.strip().startswith("row ") for line in shown) == {0: 0, 1: 1, 3: 3, 50: 3}[rows]
    told = sum(line.strip().startswith("fact ") for line in shown)
    assert f"… and {40 - told} more lines" in "\n".join(shown)


def test_names_that_differ_at_their_ends_stay_different() -> None:
    rows = [(f"{'experiment-with-a-long-name-' * 4}{i}", f"{'说' * 60}{i}") for i in range(10)]
    shown = lines(Card("Runs", {}, ("run", "other"), rows))[3:]
    assert len({line.split()[0] for line in shown}) == len({line.split()[1] for line in shown}) == 10
    assert all("…" in line for line in shown)


def test_words_are_cut_between_them_where_they_have_room_and_never_at_a_hyphen() -> None:
    """Bugs once: "pickled in slot 11, 1…qual over 1,040 steps", and "category-" at the end of a line."""
    told = "pickled in slot 11, 12 arrays are equal over 1,040 steps"
    shown = lines(Card("Checks", {"shows": "category-number-1, " * 8}, ("check", "told"), [("a" * 40, told)] * 2))
    assert shown[-1].endswith("  pickled in slot 11, … over 1,040 steps")
    assert not [line for line in shown if line.endswith("-")]


def test_numbers_are_not_broken_on_a_page() -> None:
    """A bug once: an interval was printed as "17.945 [16.611," above "17.983]"."""
    page = Card("Result", {}, ("agent", "revenue"), [("my own agent", "17.945 [16.611, 17.983]")]).html()
    assert re.search(r'<td style="[^"]*white-space: nowrap">17\.945 \[16\.611, 17\.983\]</td>', page)
    assert '<td style="text-align: left">my own agent</td>' in page


def test_where_there_is_room_no_name_is_cut() -> None:
    assert f"  {'a' * 60}  1" in lines(Card("Runs", {}, ("run", "n"), [("a" * 60, 1)]))


def test_nothing_in_a_name_reaches_the_terminal_or_the_page() -> None:
    card = Card("a\x1b[31mb\n", {"<b>": "\x07<i>"}, ("<u>",), [("\x1b]0;title<s>",)])
    assert "\x1b" not in card.text() + card.html()
    assert len(lines(card)) == 5
    assert not [tag for tag in ("<b>", "<i>", "<u>", "<s>") if tag in card.html()]


def test_numpy_numbers_are_shown_as_numbers() -> None:
    card = Card("x", {"n": np.int64(12345), "nothing": None}, ("v",), [(np.float32(0.25),), (np.float64("nan"),)])
    assert lines(card)[1].split() == ["n", "12,345"]
    assert lines(card)[4].split() == ["0.25"]
