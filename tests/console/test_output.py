"""Output that never fails, shows no control character raw and fits its encoding."""

import errno
import io
import sys
import unicodedata
from collections.abc import Callable

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from preroll import progress
from preroll.console.output import Output, drawn, escaped, fitting, printable, wrap
from preroll.terminal.table import print_table


class Terminal(io.StringIO):
    """A terminal of a given encoding that remembers what it was sent."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return True


class Broken(Terminal):
    """A stream whose writes fail."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def write(self, text: str) -> int:
        raise OSError(self._number, "broken")


OnTerminal = Callable[..., Terminal]


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> OnTerminal:
    """Makes one terminal of stdout and stderr, as the command line sees it; pytest puts its own there before a test."""

    def make(encoding: str = "utf-8") -> Terminal:
        found = Terminal(encoding)
        for name in ("stdout", "stderr"):
            monkeypatch.setattr(sys, name, found)
        wrap()
        return found

    return make


def test_a_write_that_fails_is_remembered_and_what_follows_is_dropped() -> None:
    broken = Broken(errno.ENOSPC)
    output = Output(broken)
    for _ in range(3):
        print("text", file=output)
    lost = output.lost()
    assert lost is not None
    assert lost.errno == errno.ENOSPC


def test_a_reader_that_has_left_and_a_stream_that_is_closed_lost_nothing() -> None:
    left, closed = Output(Broken(errno.EPIPE)), Output(Terminal())
    closed._file.close()
    for output in (left, closed):
        print("text", file=output)
        assert output.failure is not None
        assert output.lost() is None


def test_wrapping_twice_changes_nothing(on_terminal: OnTerminal) -> None:
    on_terminal()
    before = sys.stdout
    wrap()
    assert sys.stdout is before


@given(st.text())
def test_escaped_text_holds_no_control_and_what_is_printable_stays(text: str) -> None:
    for shown, more in ((escaped(text), "\n\t"), (printable(text), "")):
        for character in shown:
            if character not in more:
                assert unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
                assert unicodedata.bidirectional(character) not in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI")
        if text.isprintable():
            assert shown == text


@given(st.text(), st.sampled_from(["ascii", "latin-1", "cp1252", "utf-8", "cp437"]))
def test_any_text_fits_any_encoding_after_it_was_escaped(text: str, encoding: str) -> None:
    fitted = fitting(escaped(text), encoding)
    fitted.encode(encoding)
    if escaped(text).isascii():
        assert fitted == escaped(text)


def test_what_an_encoding_has_stays_and_the_rest_is_written_alike() -> None:
    assert fitting("é – × … ± → ≥ −1 ½ ﬁ “x” Łódź 猫", "ascii") == 'e - x ... +/- -> >= -1 1/2 fi "x" Lodz ?'
    assert fitting("é – × … ±", "latin-1") == "é - × ... ±"
    assert fitting("é – × … ±", "cp1252") == "é – × … ±"
    assert fitting("n\u0303", "ascii") == "n"


HOSTILE = "\x1b]0;title\x07\x1b[31m\x9b1m\u202enow\r"


@pytest.mark.parametrize("color", [None, True])
def test_a_name_in_text_in_a_table_and_in_a_bar_is_escaped(on_terminal: OnTerminal, color: bool | None) -> None:
    terminal = on_terminal()
    typer.echo(f"name {HOSTILE}", color=color)
    print(f"name {HOSTILE}", file=sys.stderr)  # noqa: T201
    print_table(("name", HOSTILE), [(HOSTILE, "[red]x[/red]")], left=("name",))
    with progress.bar(3, f"[bold]{HOSTILE}") as advance:
        advance(1)
        typer.echo(f"meanwhile {HOSTILE}", err=True)
        advance(2)
    shown = terminal.getvalue()
    for raw in ("\x1b]0", "\x07", "\x1b[31mno", "\x9b", "\u202e", "now\r"):
        assert raw not in shown
    for told in ("[red]x[/red]", "[bold]", "meanwhile", "\\x1b[31m"):
        assert told in shown


def test_our_own_colors_reach_the_terminal(on_terminal: OnTerminal) -> None:
    terminal = on_terminal()
    table = Table("heading", header_style="bold")
    Console(file=drawn(sys.stdout), force_terminal=True).print(table)
    Console(force_terminal=True).print("[red]red[/red]")  # as typer prints help
    shown = terminal.getvalue()
    assert "\x1b[1m" in shown
    assert "\x1b[31mred" in shown
    assert "\\x1b" not in shown


def test_tables_and_bars_are_drawn_with_what_the_terminal_has(on_terminal: OnTerminal) -> None:
    terminal = on_terminal("ascii")
    print_table(("allowed", "×"), [("≥ 1", "é…"), ("10", "–")], left=("allowed",))
    with progress.bar(3, "Töne …") as advance:
        advance(3)
    shown = terminal.getvalue()
    assert shown.isascii()
    assert ">= 1" in shown
    assert "Tone ..." in shown
    assert "?" not in shown.replace("?25", "")
