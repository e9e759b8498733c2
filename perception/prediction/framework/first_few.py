"""Abbreviated lists of names for error messages and notes."""

from collections.abc import Sequence


def first_few(names: Sequence[str], shown: int = 3) -> str:
    """Returns the first names as text, followed by the number of those left out.

    >>> first_few(["a"]), first_few(["a", "b", "c", "d", "e"])
    ('a', 'a, b, c and 2 more')
    """
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more:,} more" if more > 0 else "")
