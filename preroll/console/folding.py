"""Sentences in the columns of a terminal: folded between words, while a command to copy stays in one piece."""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from rich.cells import cell_len

# After a space, but not between a sign and its number, nor between a number and its %.
_BETWEEN_WORDS = r"(?<=[^≤≥<>±|] )(?!%)"
# A command that ends a line, as in "Compare it: preroll evaluate runs/a".
_COMMAND = re.compile(r"(?<=:\s)(?:preroll|tensorboard|pip) [^`]*$")


def words(text: str) -> list[str]:
    """Returns the pieces between which a text may be folded, each with the space that follows it.

    >>> words("integer ≥ 1, at most 60.0 %")
    ['integer ', '≥ 1, ', 'at ', 'most ', '60.0 %']
    >>> words("go on with `preroll train --resume a`; or: preroll runs list")
    ['go ', 'on ', 'with ', '`preroll train --resume a`; ', 'or: ', 'preroll runs list']
    """
    command = _COMMAND.search(text)
    pieces = [""]
    for piece in re.split(_BETWEEN_WORDS, text[: command.start()] if command else text):
        if pieces[-1].count("`") % 2:
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return [piece for piece in (*pieces, command[0] if command else "") if piece] or [""]


def folded(pieces: Iterable[str], width: int) -> list[str]:
    """Returns lines of at most ``width``; a longer piece has a line of its own.

    >>> folded(words("looks one slot ahead"), 10)
    ['looks one', 'slot ahead']
    """
    lines = [""]
    for piece in pieces:
        if lines[-1] and cell_len((lines[-1] + piece).rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def folded_lines(text: str, width: int) -> str:
    r"""Returns text whose long lines are folded; what is not too long stays as it is.

    >>> folded_lines("looks one slot ahead\n  and no further\n", 10)
    'looks one\nslot ahead\n  and no\n  further\n'
    """
    return "\n".join(_folded_line(line, width) if cell_len(line) > width else line for line in text.split("\n"))


def _folded_line(line: str, width: int) -> str:
    if "\t" in line:
        return line
    told = line.lstrip(" ")
    indent = line[: len(line) - len(told)]
    return "\n".join(indent + one for one in folded(words(told), width - len(indent)))


def width_of(stream: Any) -> int:
    """Returns the width of a terminal in columns of text: ``COLUMNS``, else what it says itself, else 80."""
    if (told := os.environ.get("COLUMNS", "")).isdecimal() and int(told):
        return int(told)
    with suppress(OSError, ValueError):
        return os.get_terminal_size(stream.fileno()).columns or 80
    return 80
