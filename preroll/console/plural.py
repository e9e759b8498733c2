"""Plurals: a number and its noun."""


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Returns a number with its noun: ``1 video``, ``1,000 videos``; ``nouns`` is an irregular plural."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"
