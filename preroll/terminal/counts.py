"""Whole numbers as options, which may be written as ``1e5``: counts from 1, seeds from 0."""

from decimal import Decimal, InvalidOperation
from typing import Any

import typer

#: No count is larger, nor is any seed: a power of ten could ask for more than memory holds.
MOST_COUNTED, MOST_SEED = 10**9, 10**30


def parse_seed(text: str | int) -> int:
    """Returns a seed, which is written as a count is and may be 0.

    Raises:
        typer.BadParameter: it is no whole number from 0.
    """
    return _parse(text, 0, MOST_SEED, "7")


def seed_option(what: str) -> Any:
    """Returns the option ``--seed`` with its help."""
    return typer.Option(parser=parse_seed, metavar="N", help=what)


def parse_count(text: str | int) -> int:
    """Returns a count that is written as digits or as a power of ten, such as ``50000``, ``5e4`` and ``1.5e3``.

    Raises:
        typer.BadParameter: it is no whole number from 1 to a thousand million.

    Examples:
        >>> parse_count("5e4"), parse_count("1.5e3"), parse_count(7)
        (50000, 1500, 7)
    """
    return _parse(text, 1, MOST_COUNTED, "5000")


def _parse(text: str | int, least: int, most: int, example: str) -> int:
    try:
        number = Decimal(str(text))
        if least <= number <= most and number == int(number):
            return int(number)
    except (InvalidOperation, OverflowError, ValueError):
        pass
    limits = f"from {least} to 1e{len(str(most)) - 1}"
    raise typer.BadParameter(f"{text!s:.50}: must be a whole number {limits}, such as {example} or 1e5")
