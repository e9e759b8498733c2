"""Arguments of the environments in every form that other libraries pass: numbers, seeds, masks, modes and actions."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from preroll.errors import ArgumentError

#: One seed, of lane 0, or one for every lane; lanes whose entry is None continue their stream.
Seeds = int | np.integer[Any] | Sequence[int | np.integer[Any] | None] | NDArray[np.integer[Any]]


def count_of(name: str, value: Any, allowed: str) -> int:
    """Returns a whole number from 1, of NumPy's or of Python's, as an int; ``allowed`` says so to the user.

    Raises:
        ArgumentError: If it is another value.
    """
    try:
        number = -1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = -1
    if number < 1:
        raise ArgumentError(f"{name}: {value!r}: {allowed}")
    return number


def limit_of(max_episode_steps: Any) -> int | None:
    """Returns the time limit of a session in slots, as Gymnasium's make_vec takes it; None without one.

    Raises:
        ArgumentError: If it is no whole number from 1, None or −1.
    """
    if max_episode_steps is None or max_episode_steps == -1:
        return None
    return count_of("max_episode_steps", max_episode_steps, "at least 1, None or -1 is allowed")


def mode_of(autoreset_mode: AutoresetMode | str) -> AutoresetMode:
    """Returns the mode, given as Gymnasium's or by its value.

    Raises:
        ArgumentError: If it is neither NEXT_STEP nor SAME_STEP.
    """
    for mode in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP):
        if autoreset_mode in (mode, mode.value):
            return mode
    told = autoreset_mode.value if isinstance(autoreset_mode, AutoresetMode) else autoreset_mode
    raise ArgumentError(f"autoreset_mode: {told!r}: only NextStep and SameStep are allowed")


def ads_of(actions: Any, n: int) -> NDArray[np.int64]:
    """Returns actions of any form as int64 [n].

    Raises:
        ArgumentError: If they are no integers, or not one for each of n lanes.
    """
    given = np.asarray(actions)
    if given.dtype.kind not in "iu":
        raise ArgumentError(f"actions: {given.dtype}: integers are expected, the numbers of the ads")
    if given.shape != (n,):
        raise ArgumentError(f"actions: shape {given.shape}: one ad for each of the {n} lanes is expected")
    return np.ascontiguousarray(given, dtype=np.int64)


def whole(seed: Any) -> int:
    """Returns a seed as an int, of NumPy's or of Python's.

    Raises:
        ArgumentError: If it is no whole number.
    """
    try:
        return operator.index(seed)
    except TypeError:
        raise ArgumentError(f"seed: {seed!r}: a whole number from 0 is expected") from None


def seeds_of(seed: Seeds | None, n: int) -> int | list[int | None] | None:
    """Returns one seed, a list with one for each of n lanes, or None, in Python's integers.

    Raises:
        ArgumentError: If a seed is negative or no whole number, or there is not one for every lane.
    """
    if getattr(seed, "ndim", int(isinstance(seed, Sequence))) == 0:  # tensors of torch tell it as arrays do
        given: int | list[int | None] | None = None if seed is None else whole(seed)
    else:
        given = [None if own is None else whole(own) for own in seed]  # type: ignore[union-attr]
        if len(given) != n:
            raise ArgumentError(
                f"seed: a list of {len(given)}: one seed, or None, for each of the {n} lanes is expected"
            )
    if any(own is not None and own < 0 for own in (given if isinstance(given, list) else [given])):
        raise ArgumentError(f"seed: {seed}: seeds should not be negative")
    return given


def lanes_to_reset(options: dict[str, Any] | None, n: int) -> NDArray[np.int64]:
    """Returns the indices of the lanes of ``options["reset_mask"]``, int64; all without one.

    Raises:
        ArgumentError: If the mask is not bool [n], or chooses no lane.
    """
    mask = np.asarray((options or {}).get("reset_mask", np.ones(n, np.bool_)))
    if mask.shape != (n,) or mask.dtype != np.bool_:
        raise ArgumentError(f"reset_mask: {mask.dtype} {mask.shape}: bool [{n}] is expected")
    if not mask.any():
        raise ArgumentError("reset_mask: all False: at least one lane is expected")
    return np.flatnonzero(mask)
