"""Stdout and stderr of the command line: they never fail, never show a control character raw, and fit their encoding.

Everything that is printed goes through :class:`Output`, with one exception: what rich draws with colors and cursor
movements, to which :attr:`Output.rich_proxied_file` lets it pass. Names in it must be escaped before, by
:func:`printable`.
"""

import errno
import io
import os
import re
import sys
import unicodedata
from contextlib import suppress
from typing import Any, TextIO

#: What an encoding may lack and Unicode's own decompositions do not give.
_PLAIN = {
    **dict.fromkeys("–—−‐‑⁻", "-"),
    **dict.fromkeys("‘’‚′", "'"),
    **dict.fromkeys("“”„″«»", '"'),
    **dict.fromkeys("─━╌┄╴╶╸╺═", "-"),
    **dict.fromkeys("│┃║╷╵", "|"),
    **dict.fromkeys("┼╇╋┌┐└┘├┤┬┴╭╮╰╯", "+"),
    **dict.fromkeys("▮█▌▍", "#"),
    **dict.fromkeys("▯·•⊙", "."),
    "×": "x",
    "±": "+/-",
    "∓": "-/+",
    "→": "->",
    "←": "<-",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "≈": "~",
    "∝": "~",
    "√": "sqrt",
    "∞": "inf",
    "∂": "d",
    "⁄": "/",
    "ß": "ss",
    "æ": "ae",
    "Æ": "AE",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "ı": "i",
    "œ": "oe",
    "Œ": "OE",
    "þ": "th",
    "Þ": "Th",
    "ð": "d",
    "Ð": "D",
    "€": "EUR",
    "£": "GBP",
    "°": "deg",
    "§": "section ",
    "©": "(c)",
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "epsilon",
    "η": "eta",
    "θ": "theta",
    "λ": "lambda",
    "µ": "u",
    "μ": "u",
    "ξ": "xi",
    "π": "pi",
    "ρ": "rho",
    "σ": "sigma",
    "Σ": "sum",
}
#: Columns that any terminal has.
_NARROWEST = 20
#: Joins letters of Persian, Indic scripts and emoji, or keeps them apart; they move nothing and hide nothing.
_JOINERS = "\u200c\u200d"


class Output(io.TextIOBase):
    """A text stream around stdout or stderr.

    Text is escaped and fitted to the encoding. A write that fails is remembered, and what follows is dropped: output
    is no reason to end work that goes on. It has no ``buffer``, past which click would write.

    Attributes:
        failure: the first error; None while all was taken.

    Args:
        file: the stream.
        raw: whether control characters pass; for rich alone.
    """

    def __init__(self, file: TextIO, *, raw: bool = False) -> None:
        self._file, self._raw = file, raw
        self.failure: OSError | None = None
        self._drawn = self if raw else Output(file, raw=True)

    @property
    def rich_proxied_file(self) -> "Output":
        """The same stream for rich, which looks for a stream under this name and writes to it instead."""
        return self._drawn

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the stream; rich draws with ASCII where it cannot take more."""
        return getattr(self._file, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """Name of the error handler; never used."""
        return "strict"

    def writable(self) -> bool:
        """Returns true."""
        return True

    def isatty(self) -> bool:
        """Returns whether the stream is a terminal."""
        with suppress(ValueError):
            return self._file.isatty()
        return False

    def fileno(self) -> int:
        """Returns the descriptor of the stream."""
        return self._file.fileno()

    def write(self, text: str) -> int:
        """Writes ``text``, its sentences folded in a terminal, or drops it where the stream has failed."""
        told = fitting(text if self._raw else escaped(text), self.encoding)
        if not self._raw and len(told) > _NARROWEST and self.isatty():
            from preroll.console.folding import folded_lines, width_of

            told = folded_lines(told, width_of(self))
        self._try(self._file.write, told)
        return len(text)

    def write_data(self, text: str) -> None:
        """Writes what is no sentence, such as numbers or YAML, whose lines stay as they are."""
        self._try(self._file.write, fitting(escaped(text), self.encoding))

    def flush(self) -> None:
        """Writes what is waiting."""
        self._try(self._file.flush)

    def lost(self) -> OSError | None:
        """Returns why text was lost, after all was flushed; None also where its reader had seen enough."""
        self.flush()
        error = self._drawn.failure or self.failure
        return None if error is None or error.errno in (errno.EPIPE, errno.EINVAL) else error

    def _try(self, action: Any, *arguments: str) -> None:
        if self.failure is not None:
            return
        try:
            action(*arguments)
        except (OSError, ValueError) as error:  # ValueError: it is closed
            self.failure = error if isinstance(error, OSError) else BrokenPipeError(errno.EPIPE, str(error))
            # What waits in the stream cannot be dropped, and would fail once more when Python ends.
            with suppress(OSError, ValueError):
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, self._file.fileno())
                os.close(null)


def wrap() -> None:
    """Puts an :class:`Output` around stdout and stderr, whatever they are; done twice it changes nothing."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:  # closed before the process began: there is /dev/null by now
            stream = open(number, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  (open until the end)
        if not isinstance(stream, Output):
            setattr(sys, name, Output(stream))


def occupy_descriptors() -> None:
    """Opens /dev/null under the numbers of stdin, stdout and stderr that are closed.

    A file that got one of them would receive whatever a library prints.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


def print_data(text: str) -> None:
    """Writes to stdout what programs read or people copy; nothing is folded, in a terminal neither."""
    write = sys.stdout.write_data if isinstance(sys.stdout, Output) else sys.stdout.write
    write(text)


def drawn(stream: Any) -> Any:
    """Returns the stream to which rich may draw with colors and cursor movements."""
    return getattr(stream, "rich_proxied_file", stream)


def escaped(text: str) -> str:
    r"""Returns text in which control characters but newline and tab are escaped, as ``\x1b``.

    So are those that turn the direction of writing, end a line or are half of a character.

    >>> escaped("a\x1b[31mb\n\u202ecod"), escaped("größer → 猫")
    ('a\\x1b[31mb\n\\u202ecod', 'größer → 猫')
    """
    return text if _is_safe(text, "\n\t") else "".join(c if _is_safe(c, "\n\t") else _escape(c) for c in text)


def printable(text: str) -> str:
    r"""Returns text that is safe to print within a line: as :func:`escaped`, and a newline or tab is escaped too."""
    return text if _is_safe(text, "") else "".join(c if _is_safe(c, "") else _escape(c) for c in text)


def fitting(text: str, encoding: str) -> str:
    """Returns text in which what an encoding lacks is written with what it has; ``?`` where nothing is like it.

    >>> fitting("é – × … ± ▮ 猫", "ascii"), fitting("é – ×", "latin-1")
    ('e - x ... +/- # ?', 'é - ×')
    """
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(one if _has(encoding, one) else _like(one, encoding) for one in text)
    except LookupError:
        return text
    return text


def _is_safe(text: str, more: str) -> bool:
    # Nearly all text is found safe by its first question, which takes no time.
    plain = re.sub(f"[{_JOINERS}{more}]", "", text) if not text.isprintable() else ""
    return not plain or plain.isprintable() or all(c.isprintable() or unicodedata.category(c) == "Zs" for c in plain)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _like(character: str, encoding: str) -> str:
    for like in (_PLAIN.get(character), unicodedata.normalize("NFKD", character)):
        kept = "".join(_PLAIN.get(c, c) for c in like or "" if not unicodedata.combining(c))
        if kept and _has(encoding, kept):
            return kept
    return "" if unicodedata.combining(character) or character in _JOINERS else "?"


def _has(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
