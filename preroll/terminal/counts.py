"""Whole numbers from 1 as options, which may be written as ``1e5``."""

from decimal import Decimal, InvalidOperation

import typer

#: More digits than any count has, and fewer than a power of ten could ask for.
LONGEST = 30


def parse_count(text: str | int) -> int:
    """Returns a count that is written as digits or as a power of ten, such as ``50000``, ``5e4`` and ``1.5e3``.

    Raises:
        typer.BadParameter: it is no whole number from 1.

    Examples:
        >>> parse_count("5e4"), parse_count("1.5e3"), parse_count(7)
        (50000, 1500, 7)
    """
    try:
        number = Decimal(str(text))
        if number >= 1 and number.adjusted() < LONGEST and number == int(number):
            return int(number)
    except (InvalidOperation, OverflowError, ValueError):
        pass
    raise typer.BadParameter(f"{text!s:.50}: must be a whole number from 1, such as 5000 or 1e5")
