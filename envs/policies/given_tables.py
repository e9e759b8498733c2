"""Tables of ads and of probabilities as somebody gives them, checked."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.console.given import shortened
from preroll.errors import PrerollError

#: What the axes of a policy table stand for, in words.
AXES = ("phase", "segment", "slot", "video", "fatigue", "last outcome")
N_AXES = len(AXES)
TOLERANCE = 1e-6  # of the sum of a row of probabilities, which may be float32


def _array(name: str, given: Any) -> NDArray[Any]:
    """Returns numbers as an array.

    Raises:
        PrerollError: they are no numbers, or rows of different lengths.
    """
    try:
        array = np.asarray(given)
    except ValueError:
        raise PrerollError(f"policy table: {name}: rows of different lengths are no array") from None
    if array.dtype.kind not in "iuf":
        raise PrerollError(f"policy table: {name}: {shortened(given)}: an array of numbers is expected")
    return array


def ads_of(given: Any) -> NDArray[np.integer[Any]]:
    """Returns numbers of ads as an array.

    Raises:
        PrerollError: they are none, or there are too many axes.

    Examples:
        >>> ads_of([0.5])
        Traceback (most recent call last):
        preroll.errors.PrerollError: policy table: ads: float64: numbers of ads, which are whole, are expected
    """
    ads = _array("ads", given)
    if wrong := _no_ads(ads):
        raise PrerollError(f"policy table: ads: {wrong}")
    return ads


def probabilities_of(given: Any) -> NDArray[np.float64]:
    """Returns probabilities as an array, float64; NaN is told by who plays them.

    Raises:
        PrerollError: they are none, or there are too many axes.

    Examples:
        >>> probabilities_of([2, -1])
        Traceback (most recent call last):
        preroll.errors.PrerollError: policy table: probabilities: -1: a probability is at least 0
    """
    table = _array("probabilities", given).astype(np.float64, copy=False)
    if wrong := _too_many(table.ndim - 1) or no_probabilities(table):
        raise PrerollError(f"policy table: probabilities: {wrong}")
    return table


def no_probabilities(table: NDArray[np.float64], shape: tuple[int, ...] | None = None) -> str:
    """Returns why an array is not of probabilities along its last axis; empty where it is, and where it holds NaN."""
    if shape is not None and table.shape != shape:
        return f"{table.shape}: {shape} is expected"
    if not table.ndim:
        return "one number: a probability of every ad is expected"
    for place in np.ndindex(table.shape[:-4]):  # slot by slot, since a whole table may be most of the memory
        block = table[place]
        if block.min(initial=0) < 0:
            return f"{block.min():g}: a probability is at least 0"
        sums = block.sum(axis=-1)
        off = np.abs(sums - 1) > TOLERANCE
        if off.any():
            return f"a row that sums to {sums[off][0]:g}: the probabilities of a row sum to 1"
    return ""


def _no_ads(table: NDArray[Any]) -> str:
    """Returns why an array is not of numbers of ads; empty where it is."""
    if table.dtype.kind not in "iu":
        return f"{table.dtype}: numbers of ads, which are whole, are expected"
    if table.size and not 0 <= table.min() <= table.max() <= np.iinfo(np.int16).max:
        return f"{table.min() if table.min() < 0 else table.max()}: ads are numbered from 0"
    return _too_many(table.ndim)


def _too_many(n: int) -> str:
    return f"{n} axes of states: there are at most {N_AXES}: {', '.join(AXES)}" if n > N_AXES else ""
