"""Numbers that are none, NaN and infinity: they end a computation in one line, and are null in JSON."""

import math
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from preroll.errors import NotFiniteError

Kind = TypeVar("Kind", bound=NDArray[Any])


def finite(what: str, values: Kind) -> Kind:
    """Returns ``values``, none of which is NaN or infinite.

    Raises:
        NotFiniteError: one is; the message names ``what``.

    Examples:
        >>> finite("weights", np.ones(2))
        array([1., 1.])
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise NotFiniteError(f"{what}: holds NaN or infinity")
    return values


def check_arrays(arrays: Mapping[str, NDArray[Any]]) -> None:
    """Raises a :class:`NotFiniteError` that names the first of ``arrays`` that holds NaN or infinity."""
    for name, array in arrays.items():
        finite(name, array)


def nulled(value: Any) -> Any:
    """Returns plain data in which every number that is none is None: JSON has no other word for it.

    Examples:
        >>> nulled({"loss": float("nan"), "rows": [1, 2.5]})
        {'loss': None, 'rows': [1, 2.5]}
    """
    if isinstance(value, Mapping):
        return {name: nulled(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [nulled(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def numbers(values: Mapping[str, float | None]) -> dict[str, float]:
    """Returns numbers as they were before :func:`nulled`, NaN for None."""
    return {name: math.nan if value is None else float(value) for name, value in values.items()}
