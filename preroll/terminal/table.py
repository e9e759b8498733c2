"""Tables on stdout: aligned, fitted to the width of a terminal with colour and rules, plain text in a pipe."""

import sys
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from preroll.console.folding import folded, width_of, words
from preroll.console.output import drawn, fitting, printable
from preroll.terminal.layout import (
    Column,
    aligned,
    block_lines,
    body_lines,
    fitting_widths,
    heading_lines,
    shapes,
)


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    left: Sequence[str] = (),
    prose: Sequence[str] = (),
    spare: Sequence[str] = (),
    group: bool = False,
    turn: str | None = None,
) -> None:
    """Prints rows under their columns on stdout.

    Where a terminal is too narrow, headings and prose are folded between words; then names of groups stand above their
    rows; then spare columns go, of which a line tells (prose is written below the table); then a matrix is turned; then
    each row becomes a block of lines.

    Args:
        columns: the headings.
        rows: the rows, one entry per column.
        left: the columns of text, set to the left; the others are numbers, set to the right.
        prose: the columns that may be folded between words.
        spare: the columns to leave out where there is no room, in this order.
        group: whether rows that share their first entry may stand together below it.
        turn: for a matrix, the heading of its first column where its rows become columns.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    lines = [[fitting(printable(str(value)), encoding) for value in row] for row in (columns, *rows)]
    table = [
        Column(title, tuple(entries), name in left, name in prose)
        for name, (title, *entries) in zip(columns, zip(*lines, strict=True), strict=True)
    ]
    # What is piped is read by programs and kept in files: nothing is folded to the width of a screen. The stream is
    # asked, as rich takes a pipe for a terminal where FORCE_COLOR is set.
    if not sys.stdout.isatty():
        widths = [column.natural for column in table]
        sys.stdout.write("".join(f"{aligned(line, table, widths).rstrip()}\n" for line in lines))
        return
    room = width_of(sys.stdout)
    order = [table[list(columns).index(name)] for name in spare if name in columns]
    for shape in shapes(table, order, group=group, turn=turn):
        if (fitting_in := fitting_widths(shape.columns, room)) is not None:
            _draw(body_lines(shape, fitting_in, room), heading_lines(shape.columns, fitting_in))
            _tell(table[0], shape.left_out, room)
            return
    _draw(block_lines(table, room))


def _draw(lines: Sequence[str], heading: Sequence[str] = ()) -> None:
    """Draws lines below a bold heading and a rule; rich leaves out what a terminal does not have."""
    console = Console(file=drawn(sys.stdout), highlight=False)
    rule = fitting("─", getattr(sys.stdout, "encoding", None) or "utf-8") * max(map(cell_len, heading), default=0)
    head, body = ("\n".join(line.rstrip() for line in part) for part in (heading, [*filter(None, [rule]), *lines]))
    for text, style in ((head, "bold"), (body, "")):
        if text:
            console.print(Text(text, style=style), soft_wrap=True)


def _tell(names: Column, left_out: Sequence[Column], room: int) -> None:
    """Prints what a table was too narrow for: prose by the name of its row, and the titles of other columns."""
    for column in left_out:
        if column.prose:
            entries = [": ".join(both) for both in zip(names.entries, column.entries, strict=True) if both[1]]
            _draw([line for entry in entries for line in folded(words(entry), room)])
    if titles := [column.title for column in left_out if not column.prose]:
        told = f"No room for: {'; '.join(titles)}. A wider terminal shows all, and so does `| cat`."
        _draw(folded(words(told), room))
