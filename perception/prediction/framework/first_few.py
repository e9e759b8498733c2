"""One way to name some of many."""

from collections.abc import Sequence


def first_few(names: Sequence[str], shown: int = 3) -> str:
    """The first names, and how many more there are.

    >>> first_few(["a"]), first_few(["a", "b", "c", "d", "e"])
    ('a', 'a, b, c and 2 more')
    """
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more:,} more" if more > 0 else "")
