"""Digits of amounts of money, whose unit is a scenario's own: rewards may be cents or thousands."""

import math

FEWEST, MOST = -1, 1  # powers of ten between which an amount has the digits that it is asked for


def digits_of(largest: float, digits: int = 3) -> int:
    """Returns the digits after the point of amounts up to ``largest``.

    Args:
        largest: the largest amount beside which they stand, such as the optimum.
        digits: digits of amounts below 100; of larger ones one fewer for every power of ten, of those below 0.1 more.

    Examples:
        >>> [digits_of(largest) for largest in (0.02, 0.4, 8.8, 17.98, 120, 59_740)]
        [4, 3, 3, 3, 2, 0]
    """
    power = math.floor(math.log10(abs(largest))) if largest and math.isfinite(largest) else 0
    return max(0, digits - max(power - MOST, 0) + max(FEWEST - power, 0))


def amount(value: float, digits: int = 3) -> str:
    """Formats one amount by itself.

    Examples:
        >>> amount(8.8421), amount(59_740.25)
        ('8.842', '59,740')
    """
    return f"{value:,.{digits_of(value, digits)}f}"
