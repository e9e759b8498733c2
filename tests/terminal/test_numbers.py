import json

import pytest

from preroll.terminal.numbers import Form, print_numbers

ROWS = [{"name": 'a "b", c', "value": 0.1 + 0.2}, {"name": "d", "value": float("nan"), "more": True}]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("csv", 'name,value,more\n"a ""b"", c",0.30000000000000004,\nd,,True\n'),
        (
            "json",
            json.dumps(
                [
                    {"name": 'a "b", c', "value": 0.30000000000000004, "more": None},
                    {"name": "d", "value": None, "more": True},
                ],
                indent=2,
            )
            + "\n",
        ),
    ],
)
def test_rows_have_the_columns_of_all_and_numbers_all_their_digits(
    form: Form, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_numbers(ROWS, form)
    assert capsys.readouterr().out == text
