"""Arguments of a reset: seeds of every form that other libraries pass, and the mask of the lanes to reset."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError

#: One seed, of lane 0, or one for every lane; lanes whose entry is None continue their stream.
Seeds = int | np.integer[Any] | Sequence[int | np.integer[Any] | None] | NDArray[np.integer[Any]]


def whole(seed: Any) -> int:
    """Returns a seed as an int, of NumPy's or of Python's.

    Raises:
        PrerollError: If it is no whole number.
    """
    try:
        return operator.index(seed)
    except TypeError:
        raise PrerollError(f"seed: {seed!r}: a whole number from 0 is expected") from None


def seeds_of(seed: Seeds | None, n: int) -> int | list[int | None] | None:
    """Returns one seed, a list with one for each of n lanes, or None, in Python's integers.

    Raises:
        PrerollError: If a seed is negative or no whole number, or there is not one for every lane.
    """
    one = np.ndim(seed) == 0 if isinstance(seed, np.ndarray) else not isinstance(seed, list | tuple)
    if one:
        given: int | list[int | None] | None = None if seed is None else whole(seed)
    else:
        given = [None if own is None else whole(own) for own in seed]  # type: ignore[union-attr]
        if len(given) != n:
            raise PrerollError(
                f"seed: a list of {len(given)}: one seed, or None, for each of the {n} lanes is expected"
            )
    if any(own is not None and own < 0 for own in (given if isinstance(given, list) else [given])):
        raise PrerollError(f"seed: {seed}: seeds should not be negative")
    return given


def lanes_to_reset(options: dict[str, Any] | None, n: int) -> NDArray[np.int64]:
    """Returns the indices of the lanes of ``options["reset_mask"]``, int64; all without one.

    Raises:
        PrerollError: If the mask is not bool [n], or chooses no lane.
    """
    mask = np.asarray((options or {}).get("reset_mask", np.ones(n, np.bool_)))
    if mask.shape != (n,) or mask.dtype != np.bool_:
        raise PrerollError(f"reset_mask: {mask.dtype} {mask.shape}: bool [{n}] is expected")
    if not mask.any():
        raise PrerollError("reset_mask: all False: at least one lane is expected")
    return np.flatnonzero(mask)
