"""One way to say how many."""


def counted(number: int, noun: str, nouns: str = "") -> str:
    """A number with its noun: ``1 video``, ``1,000 videos``; ``nouns`` where several are not ``noun`` and an s."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"
