"""The exceptions for mistakes that a user can correct, and the exit status of those that are preroll's own."""

from preroll.console.spoken import spoken

#: Exit status of an error that nobody expected: EX_SOFTWARE of BSD's sysexits.h.
FAULT = 70


class PrerollError(Exception):
    """A mistake in a request; the message is one line with file, key, value and what is allowed.

    It names options of a command, as ``--run mine``; in Python, where there are none, it reads ``run=mine``.

    Attributes:
        status: exit status of the command line: 2 when nothing was started, 1 when the work finished but something
            that was asked for is missing.
    """

    def __init__(self, message: str, *, status: int = 2) -> None:
        super().__init__(spoken(message))
        self.status = status


class ArgumentError(PrerollError, ValueError):
    """An argument of an environment that is none of those allowed; a ValueError too, as Gymnasium's callers expect."""


class NoTableError(PrerollError):
    """A policy that is no table, or one that is too large: sessions are stepped through instead."""


class NotFiniteError(PrerollError):
    """A computation whose result is NaN or infinite, which is no result: it ends there, with status 1."""

    def __init__(self, message: str) -> None:
        super().__init__(message, status=1)


class MemoryShortError(PrerollError):
    """A need of memory that the limits of the process, the container or the machine do not leave."""
