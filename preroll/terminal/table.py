"""Tables on stdout: aligned, with colour and rules on a terminal, plain text in a pipe."""

import shutil
import sys
from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from preroll.console.output import drawn, fitting, printable


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, left: Sequence[str] = ()) -> None:
    """Prints rows under their columns on stdout.

    Args:
        columns: the headings.
        rows: the rows, one entry per column.
        left: the columns of text, set to the left; the others are numbers, set to the right.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    lines = [[fitting(printable(str(value)), encoding) for value in row] for row in (columns, *rows)]
    # What is piped is read by programs and kept in files: nothing is folded to the width of a screen, and a hundred
    # thousand rows take a second. The stream is asked, as rich takes a pipe for a terminal where FORCE_COLOR is set.
    if not sys.stdout.isatty():
        sys.stdout.write(_aligned(lines, [column in left for column in columns]))
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column, title in zip(columns, lines[0], strict=True):
        table.add_column(Text(title), justify="left" if column in left else "right", overflow="fold")
    for line in lines[1:]:
        table.add_row(*map(Text, line))
    Console(file=drawn(sys.stdout), highlight=False).print(table)


def _aligned(lines: Sequence[Sequence[str]], left: Sequence[bool]) -> str:
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    text = []
    for line in lines:
        for entry, size, first in zip(line, widths, left, strict=True):
            told = entry if first else entry.rstrip()
            space = " " * (size - cell_len(told))
            text += [told + space if first else space + told, "  "]
        text[-1] = "\n"
    return "".join(text)


def width(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Returns the width of a table on a terminal, in columns of text; a wide letter takes two."""
    return sum(max(map(cell_len, column)) + 3 for column in zip(columns, *rows, strict=True))


def narrowed(
    columns: Sequence[str], rows: Sequence[Sequence[str]], spare: Sequence[str]
) -> tuple[list[str], list[list[str]]]:
    """Returns a table without as many of its ``spare`` columns, in their order, as a terminal has no room for.

    Where stdout is no terminal nothing is left out. Lines that fold are hard to read.
    """
    shown, lines = list(columns), [list(row) for row in rows]
    for title in spare:
        if sys.stdout.isatty() and title in shown and width(shown, lines) > shutil.get_terminal_size().columns:
            place = shown.index(title)
            for line in (shown, *lines):
                del line[place]
    return shown, lines
