"""Plurals and percentages: a number and its noun, a share and its sign."""


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Returns a number with its noun: ``1 video``, ``1,000 videos``; ``nouns`` is an irregular plural."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def percent(share: float, digits: int = 1) -> str:
    """Returns a share in percent, as it is written everywhere.

    >>> percent(0.7234), percent(1, 0)
    ('72.3 %', '100 %')
    """
    return f"{100 * share:.{digits}f} %"
