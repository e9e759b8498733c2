"""Card: what an object says of itself on one screen, as text and as HTML."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from preroll.console.output import printable
from preroll.html.template import template

WIDTH, LINES = 80, 24
LONGEST = 28  # characters of one entry of a table that is too wide; where there is room, entries are whole
FOLDED = 2  # lines of one fact
FEWEST = 6  # lines that a table gets, however many facts there are
HTML_ROWS = 60


@dataclass(frozen=True)
class Card:
    """What an object says of itself.

    Attributes:
        title: what it is.
        facts: what is to be known of it, by name.
        head: headings of a table.
        rows: rows of the table, the most important first: a screen has room for about fifteen. Numbers are formatted.
        whole: what has all of the table, said where some of it is left out.

    Examples:
        >>> print(Card("Evaluation on classic", {"sessions": 1000}, ("agent", "revenue"), [("random", 5.25)]).text())
        Evaluation on classic
          sessions  1,000
        <BLANKLINE>
          agent   revenue
          random     5.25
    """

    title: str
    facts: Mapping[str, object] = field(default_factory=dict)
    head: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()
    whole: str = ""

    def text(self) -> str:
        """Returns the card as at most 24 lines of 80 characters; it says what it leaves out."""
        lines = [_cut(printable(self.title), WIDTH), *self._facts()]
        if self.rows:
            lines += ["", *self._table(LINES - len(lines) - 1)]
        return "\n".join(lines)

    def html(self) -> str:
        """Returns the card as HTML that needs no style sheet and no script."""
        rows, numbers = _columns(self.rows[:HTML_ROWS])
        return template(Path(__file__).parent, "card.html.jinja").render(
            title=self.title,
            facts={name: shown(value) for name, value in self.facts.items()},
            head=self.head,
            rows=rows,
            numbers=numbers,
            more=self._more(len(self.rows) - HTML_ROWS, ()),
        )

    def _facts(self) -> list[str]:
        """Returns the lines of the facts; of too many the first ones."""
        lines, names = [], max((len(name) for name in self.facts), default=0)
        for name, value in self.facts.items():
            indent = " " * (names + 4)
            first = f"  {printable(name):<{names}}  "
            told = printable(shown(value))
            lines += textwrap.wrap(
                told, WIDTH, initial_indent=first, subsequent_indent=indent, max_lines=FOLDED, placeholder=" …",
                break_on_hyphens=False,
            )  # fmt: skip
        room = LINES - 1 - (FEWEST if self.rows else 0)
        if len(lines) > room:
            lines = [*lines[: room - 1], f"  … and {len(lines) - room + 1:,} more lines"]
        return [_cut(line, WIDTH) for line in lines]

    def _table(self, room: int) -> list[str]:
        """Returns the lines of the table, headings first, of which ``room`` have place."""
        from rich.cells import cell_len

        rows, left = self.rows, 0
        if len(rows) + 1 > room:
            rows, left = self.rows[: room - 2], len(self.rows) - room + 2
        texts, right = _columns(rows)
        cells = [[printable(entry) for entry in row] for row in (self.head, *texts)]
        longest = _longest([max(map(cell_len, column)) for column in zip(*cells, strict=True)])
        cells = [[_cut(entry, longest) for entry in row] for row in cells]
        widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
        kept = len(widths)
        while sum(widths[:kept]) + 2 * kept > WIDTH:
            kept -= 1
        lines = []
        for row in cells:
            parts = []
            for entry, width, number in zip(row[:kept], widths, right, strict=False):
                space = " " * (width - cell_len(entry))
                parts.append(space + entry if number else entry + space)
            lines.append(("  " + "  ".join(parts)).rstrip())
        cut = [printable(name) for name in self.head[kept:]]
        if cut and not left and len(lines) == room:  # columns alone are left out, and no line is free to say so
            lines.pop()
            left = 1
        return [*lines, f"  {more}"] if (more := self._more(left, cut)) else lines

    def _more(self, rows: int, columns: Sequence[str]) -> str:
        """Returns what the table leaves out, in words that fit a line; nothing if it leaves out nothing."""
        counts = ((rows, "row"), (len(columns), "column"))
        parts = [f"{number:,} more {what}{'s' * (number > 1)}" for number, what in counts if number > 0]
        told, whole = f"… and {' and '.join(parts)}", f"; see {self.whole}" if self.whole else ""
        return told + _named(columns, WIDTH - 2 - len(told + whole)) + whole if parts else ""


def shown(value: object) -> str:
    """Returns a value as text: numbers with four significant digits and separated thousands.

    Examples:
        >>> shown(12345), shown(0.123456), shown(17_980.0), shown(float("nan")), shown(True), shown(-0.5)
        ('12,345', '0.1235', '17,980', '', 'yes', '−0.5')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return f"{int(value):,}".replace("-", "−")
    if isinstance(value, Real):
        number = float(value)
        if number != number:
            return ""
        text = f"{number:,.0f}" if 1000 <= abs(number) < 1e9 else f"{number:.4g}"
        return text.replace("-", "−")
    return "" if value is None else str(value)


def _columns(rows: Sequence[Sequence[object]]) -> tuple[list[list[str]], list[bool]]:
    """Returns the rows as texts, and whether each column holds numbers: those have as many decimals each."""
    columns, numbers = [], []
    for column in zip(*rows, strict=True):
        given = [value for value in column if value is not None]
        exact = [isinstance(value, Real) and not isinstance(value, bool) for value in given]
        numbers.append(all(exact) or all(map(_is_numeric, given)))
        whole = all(isinstance(value, Integral) for value in given)
        columns.append(aligned(column) if all(exact) and not whole else [shown(value) for value in column])
    return [list(row) for row in zip(*columns, strict=True)], numbers


def aligned(column: Sequence[Any], digits: int = 4) -> list[str]:
    """Returns numbers with the same decimals, so many that the largest has so many significant digits."""
    values = [math.nan if value is None else float(value) for value in column]
    most = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    decimals = min(max(digits - 1 - math.floor(math.log10(most)), 0), 6) if most else 0
    decimals = next((d for d in range(decimals) if all(x != x or round(x, d) == round(x, 6) for x in values)), decimals)
    return ["" if value != value else f"{value:,.{decimals}f}".replace("-", "−") for value in values]


def _is_numeric(value: object) -> bool:
    text = shown(value).lstrip("−")
    return text[:1].isdigit() and not any(map(str.isalpha, text))


def _named(columns: Sequence[str], room: int) -> str:
    """Returns names after a colon, as many as have room; nothing if there are none, or the first has no room."""
    from rich.cells import cell_len

    for n in range(len(columns), 0, -1):
        names = f": {', '.join(columns[:n])}{', …' * (n < len(columns))}"
        if cell_len(names) <= room:
            return names
    return ""


def _longest(widths: Sequence[int]) -> int:
    """Returns the most columns of a terminal that an entry may have, so that all columns of the table have place."""
    some = range(WIDTH, LONGEST, -1)
    return next((most for most in some if sum(min(width, most) + 2 for width in widths) <= WIDTH), LONGEST)


def _cut(text: str, width: int) -> str:
    """Returns text of at most ``width`` columns of a terminal, cut in the middle: names often differ at their ends.

    Where words have room, it is cut between them.

    Examples:
        >>> _cut("experiment-with-ppo-seed-1", 16), _cut("experiment-with-ppo-seed-2", 16)
        ('experime…-seed-1', 'experime…-seed-2')
        >>> _cut("pickled in slot 11, all equal over 1,040 steps", 30)
        'pickled in slot … 1,040 steps'
    """
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    words, found = text.split(" "), ""
    for taken in range(2, len(words)):
        cut = f"{' '.join(words[: -(-taken // 2)])} … {' '.join(words[-(taken // 2) :])}"
        if cell_len(cut) > width:
            break
        found = cut
    if found:
        return found
    end = set_cell_size(text[::-1], (width - 1) // 2).rstrip()[::-1].lstrip()
    return set_cell_size(text, width - 1 - cell_len(end)).rstrip() + "…" + end
