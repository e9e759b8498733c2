"""Names that preroll makes of a user's text: every system takes them, and they stay what they were where it did."""

import pytest

from preroll.simulations.experiment.design.names import pairs_name
from preroll.system.portable_names import MOST, kept_or_portable, portable

REFUSED = ["a:b", "con", "NUL.txt", "COM1", "lpt9.mp4", "COM\u00b2", "a.", "a ", "a<b", "a>b", 'a"b', "a|b", "a?", "a*"]
REFUSED += ["a/b", "a\\b", "", ".", "..", "a\nb", "\x00", "x" * 300, "\u732b" * 100, "\udcff:"]


@pytest.mark.parametrize("text", REFUSED)
def test_what_a_system_refuses_gets_another_name(text: str) -> None:
    for name in (portable(text), kept_or_portable(text)):
        assert name != text
        assert kept_or_portable(name) == portable(name, MOST) == name
        assert len(name.encode()) <= MOST


def test_names_that_differ_still_do() -> None:
    assert len({kept_or_portable(text) for text in REFUSED}) == len(REFUSED)


@pytest.mark.parametrize("text", ["my cats", "cats & dogs (2)", "console", "a.b", "caf\u00e9", ".hidden", "com10"])
def test_what_every_system_takes_is_kept(text: str) -> None:
    assert kept_or_portable(text) == text


@pytest.mark.parametrize("value", ["ends.", "con", "\u732b" * 90, "a:b"])
def test_names_of_points_are_portable(value: str) -> None:
    name = pairs_name({"scenario": value}, {"scenario": "scenario"})
    assert kept_or_portable(name) == name
    assert pairs_name({"user.mismatch": 0.2}, {"user.mismatch": "mismatch"}) == "mismatch=0.2"
