"""Whole numbers as options, which may be written as ``1e5``: counts from 1, seeds from 0."""

from decimal import Decimal, InvalidOperation
from typing import Any

import typer

#: More digits than any count has, and fewer than a power of ten could ask for.
LONGEST = 30


def parse_seed(text: str | int) -> int:
    """Returns a seed, which is written as a count is and may be 0.

    Raises:
        typer.BadParameter: it is no whole number from 0.
    """
    return parse_count(text, least=0)


def seed_option(what: str) -> Any:
    """Returns the option ``--seed`` with its help."""
    return typer.Option(parser=parse_seed, metavar="N", help=what)


def parse_count(text: str | int, *, least: int = 1) -> int:
    """Returns a count that is written as digits or as a power of ten, such as ``50000``, ``5e4`` and ``1.5e3``.

    Raises:
        typer.BadParameter: it is no whole number from ``least``.

    Examples:
        >>> parse_count("5e4"), parse_count("1.5e3"), parse_count(7)
        (50000, 1500, 7)
    """
    try:
        number = Decimal(str(text))
        if number >= least and number.adjusted() < LONGEST and number == int(number):
            return int(number)
    except (InvalidOperation, OverflowError, ValueError):
        pass
    raise typer.BadParameter(f"{text!s:.50}: must be a whole number from {least}, such as 5000 or 1e5")
