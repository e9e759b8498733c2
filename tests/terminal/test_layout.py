from preroll.terminal.layout import PROSE, Column, Shape, block_lines, body_lines, fitting_widths, heading_lines, turned


def column(title: str, *entries: str, left: bool = True, prose: bool = False) -> Column:
    return Column(title, entries, left, prose)


def test_a_wide_letter_takes_two_columns_of_text() -> None:
    assert column("長い", "a").natural == 4
    assert fitting_widths([column("長い", "a"), column("b", "long")], 10) == [4, 4]
    assert fitting_widths([column("長い", "a"), column("b", "long")], 9) is None


def test_a_heading_is_folded_before_anything_else_and_stands_at_the_foot() -> None:
    table = [column("policy", "best fixed"), column("revenue/session", "8.84", left=False)]
    assert fitting_widths(table, 27) == [10, 15]
    widths = fitting_widths(table, 20)
    assert widths == [10, 8]
    assert heading_lines(table, widths) == ["            revenue/", "policy       session"]
    assert fitting_widths(table, 19) is None


def test_prose_is_folded_between_words_and_names_and_numbers_never() -> None:
    table = [column("name", "a b"), column("note", "at most ≤ 60.0 % of all that there is", prose=True)]
    assert fitting_widths(table, 40) == [4, 34]
    assert fitting_widths(table, 6 + PROSE) == [4, PROSE]
    assert body_lines(Shape(table), [4, PROSE], 80) == ["a b   at most ≤ 60.0 % of ", "      all that there is   "]
    assert fitting_widths(table, 5 + PROSE) is None


def test_prose_is_never_narrower_than_its_longest_word() -> None:
    assert column("note", f"a {'x' * 30}", prose=True).least == 30


def test_a_block_tells_every_entry_that_there_is_by_the_title_of_its_column() -> None:
    table = [column("name", "one", "two"), column("why not", "a sentence of some words", "", prose=True)]
    assert block_lines(table, 20) == [
        "name     one",
        "why not  a sentence",
        "         of some",
        "         words",
        "",
        "name     two",
    ]


def test_a_matrix_is_turned() -> None:
    table = [column("category", "cars", "cats"), column("0", "1.5", "2", left=False), column("1", "3", "4", left=False)]
    assert turned(table, "level") == [
        column("level", "0", "1"),
        column("cars", "1.5", "3", left=False),
        column("cats", "2", "4", left=False),
    ]
