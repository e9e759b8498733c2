"""What a caller gave: how messages name it, and numbers of sessions as they are written."""

import operator
from typing import Any

from preroll.errors import PrerollError


def shortened(given: object) -> str:
    """Returns how a message names what was given: a short text or number as it is, all else by its class.

    >>> shortened("runs/x"), shortened(3), shortened(print)
    ("'runs/x'", '3', 'builtin_function_or_method')
    """
    if isinstance(given, type):
        return f"the class {given.__name__}"
    plain = isinstance(given, str | int | float | None) and len(repr(given)) <= 60
    return repr(given) if plain else type(given).__name__


def whole(name: str, given: Any) -> int:
    """Returns a whole number; a float such as ``1e3`` is one.

    Raises:
        PrerollError: it is none.

    >>> whole("sessions", 1e3)
    1000
    """
    try:
        if not isinstance(given, bool):
            return int(given) if isinstance(given, float) and given.is_integer() else operator.index(given)
    except TypeError:
        pass
    raise PrerollError(f"{name}: {shortened(given)}: a whole number is expected")


def seed_of(given: Any) -> int:
    """Returns a seed, a whole number of at least 0.

    Raises:
        PrerollError: it is none.
    """
    if (seed := whole("seed", given)) < 0:
        raise PrerollError(f"seed: {seed}: seeds should not be negative")
    return seed
