"""The layout of a table in a given number of columns of text: no word and no number is ever broken."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, zip_longest

from rich.cells import cell_len

from preroll.console.folding import folded, words

GAP = 2
#: Least width of a column of prose, unless all of it is shorter.
PROSE = 20


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        title: heading, which may be folded between words and after a slash.
        entries: the text of every row.
        left: whether it is text, set to the left, and no number, set to the right.
        prose: whether its entries may be folded between words.
    """

    title: str
    entries: tuple[str, ...]
    left: bool
    prose: bool

    @property
    def heading(self) -> list[str]:
        """The pieces between which the heading may be folded."""
        return [piece for word in words(self.title) for piece in re.split("(?<=/)", word)]

    @property
    def natural(self) -> int:
        """Width in which nothing is folded."""
        return max(map(cell_len, (self.title, *self.entries)))

    @property
    def least(self) -> int:
        """Width below which the column cannot be read."""
        entries = max(map(cell_len, self.entries), default=0)
        if self.prose:
            entries = max(min(entries, PROSE), _longest(word for text in self.entries for word in words(text)))
        return max(entries, _longest(self.heading))


@dataclass(frozen=True)
class Shape:
    """One way to show a table.

    Attributes:
        columns: what is shown.
        left_out: what is not.
        group: a column whose entries stand above the rows that share them.
    """

    columns: Sequence[Column]
    left_out: Sequence[Column] = ()
    group: Column | None = None


def shapes(table: Sequence[Column], spare: Sequence[Column], *, group: bool, turn: str | None) -> Iterator[Shape]:
    """Yields the ways to show a table, from the best one to the narrowest.

    Args:
        table: the table.
        spare: the columns to leave out, in this order.
        group: whether the entries of the first column may stand above the rows that share them.
        turn: for a matrix, the heading of its first column where its rows become columns.
    """
    yield Shape(table)
    above, rest = (table[0], table[1:]) if group else (None, table)
    for number in range(0 if group else 1, len(spare) + 1):
        gone = spare[:number]
        yield Shape([column for column in rest if column not in gone], gone, above)
    if turn is not None:
        yield Shape(turned(table, turn))


def fitting_widths(table: Sequence[Column], room: int) -> list[int] | None:
    """Returns a width for every column with which a table fits into ``room``, or None if there are none.

    What is left goes to headings before it goes to prose, and to the last column of prose first.
    """
    widths = [column.least for column in table]
    rest = room - sum(widths) - GAP * (len(table) - 1)
    if rest < 0:
        return None
    for at in sorted(range(len(table)), key=lambda at: (table[at].prose, -at)):
        more = min(rest, table[at].natural - widths[at])
        widths[at], rest = widths[at] + more, rest - more
    return widths


def aligned(entries: Sequence[str], table: Sequence[Column], widths: Sequence[int]) -> str:
    """Returns one line of a table."""
    cells = []
    for entry, column, width in zip(entries, table, widths, strict=True):
        told = entry if column.left else entry.rstrip()
        space = " " * (width - cell_len(told))
        cells.append(told + space if column.left else space + told)
    return (" " * GAP).join(cells)


def heading_lines(table: Sequence[Column], widths: Sequence[int]) -> list[str]:
    """Returns the headings, at the foot of as many lines as the longest one takes."""
    upwards = [folded(column.heading, width)[::-1] for column, width in zip(table, widths, strict=True)]
    return [aligned(line, table, widths) for line in zip_longest(*upwards, fillvalue="")][::-1]


def body_lines(shape: Shape, widths: Sequence[int], room: int) -> list[str]:
    """Returns the rows, each on as many lines as its longest prose takes; groups below their names, with a gap."""
    if shape.group is None:
        return _rows(shape.columns, widths)
    groups, start = list[str](), 0
    for name, same in groupby(shape.group.entries):
        end = start + len(list(same))
        part = [replace(column, entries=column.entries[start:end]) for column in shape.columns]
        groups.append("\n".join([*folded(words(f"{shape.group.title}: {name}"), room), *_rows(part, widths)]))
        start = end
    return "\n\n".join(groups).splitlines()


def _rows(table: Sequence[Column], widths: Sequence[int]) -> list[str]:
    lines = []
    for row in zip(*(column.entries for column in table), strict=True):
        entries = [
            folded(words(text), width) if column.prose else [text]
            for text, column, width in zip(row, table, widths, strict=True)
        ]
        lines += [aligned(line, table, widths) for line in zip_longest(*entries, fillvalue="")]
    return lines


def block_lines(table: Sequence[Column], room: int) -> list[str]:
    """Returns a block of lines for each row, with an entry on each line after the title of its column."""
    indent = max(cell_len(column.title) for column in table) + GAP
    blocks = []
    for row in zip(*(column.entries for column in table), strict=True):
        block = []
        for column, text in zip(table, row, strict=True):
            lines = folded(words(text), max(room - indent, 1)) if column.prose else [text]
            titles = [column.title, *[""] * (len(lines) - 1)]
            block += [_padded(*both, indent) for both in zip(titles, lines, strict=True) if text]
        blocks.append("\n".join(block))
    return "\n\n".join(blocks).splitlines()


def turned(table: Sequence[Column], heading: str) -> list[Column]:
    """Returns a matrix with its rows as columns, under the ``heading`` of what were columns."""
    names, *others = table
    first = Column(heading, tuple(column.title for column in others), left=True, prose=False)
    rows = zip(*(column.entries for column in others), strict=True)
    left = all(column.left for column in others)
    return [first, *(Column(name, row, left, prose=False) for name, row in zip(names.entries, rows, strict=True))]


def _padded(title: str, text: str, indent: int) -> str:
    return title + " " * (indent - cell_len(title)) + text


def _longest(pieces: Iterable[str]) -> int:
    return max((cell_len(piece.rstrip()) for piece in pieces), default=0)
