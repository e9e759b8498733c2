from preroll.terminal.table import width


def test_the_width_of_a_table_is_that_of_its_widest_entries_and_of_what_stands_between_them() -> None:
    assert width(["a", "bbb"], [["aaaa", "b"], ["", "bb"]]) == (4 + 3) + (3 + 3)
    assert width(["長い"], []) == 4 + 3  # wide letters take two columns
