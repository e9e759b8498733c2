"""Tables on stdout: aligned, with colour and rules on a terminal, plain text in a pipe."""

import sys
from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, left: Sequence[str] = ()) -> None:
    """Prints rows under their columns on stdout.

    Args:
        columns: the headings.
        rows: the rows, one entry per column.
        left: the columns of text, set to the left; the others are numbers, set to the right.
    """
    # What is piped is read by programs and kept in files: nothing is folded to the width of a screen. The stream is
    # asked, as rich takes a pipe for a terminal where FORCE_COLOR or TTY_COMPATIBLE is set; and a height is given
    # beside the width, as rich otherwise folds at 80 columns where TERM is dumb, whatever the width.
    on_screen = sys.stdout.isatty()
    console = Console(highlight=False) if on_screen else Console(highlight=False, width=10_000, height=100)
    table = Table(box=SIMPLE_HEAD if on_screen else None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="left" if column in left else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(str(value))) for value in row))
    console.print(table)


def width(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Returns the width of a table on a terminal, in columns of text; a wide letter takes two."""
    return sum(max(map(cell_len, column)) + 3 for column in zip(columns, *rows, strict=True))


def one_line(text: str) -> str:
    r"""Returns text that is safe to print: a newline or an escape sequence in a name becomes ``\n`` or ``\x1b``."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
