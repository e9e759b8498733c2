"""Whole state of a vector environment as arrays, checked before compiled code reads it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.envs.kernel import layout
from preroll.envs.model.tables import Tables
from preroll.errors import PrerollError

Arrays = dict[str, NDArray[Any]]


def copy_state(lanes: layout.State, n: int) -> Arrays:
    """Returns copies of the keys and the state of n lanes; the scratch array lasts only for one step."""
    return {"keys": lanes.keys[:, :n].copy(), "state": lanes.state[:, :n].copy()}


def write_state(lanes: layout.State, arrays: Mapping[str, NDArray[Any]], tables: Tables, n: int) -> None:
    """Writes what :func:`copy_state` returned back to n lanes.

    Raises:
        PrerollError: an array is missing, has another dtype or shape, or holds a number that the compiled scenario has
            no entry for; nothing is written.
    """
    for name, current in copy_state(lanes, n).items():
        array = arrays.get(name)
        found = "missing" if array is None else f"{array.dtype} {list(array.shape)}"
        if found != (expected := f"{current.dtype} {list(current.shape)}"):
            raise PrerollError(f"{name}: {found}: {expected} is expected")
    # Compiled code does not check the indices with which it reads its tables.
    highest = _highest(tables)[:, None]
    if ((arrays["state"] < 0) | (arrays["state"] > highest)).any():
        raise PrerollError(f"state: holds numbers that {tables.scenario.name} on this catalog does not have")
    lanes.keys[:, :n], lanes.state[:, :n] = arrays["keys"], arrays["state"]


def _highest(tables: Tables) -> NDArray[np.int64]:
    """Returns the largest number allowed in each row of the state, int64 [8]."""
    sizes = tables.packed.integers.astype(np.int64)
    highest = np.empty(layout.N_STATE, np.int64)
    highest[layout.SESSION] = np.iinfo(np.int32).max
    highest[layout.SLOT] = sizes[layout.N_SLOTS]
    user_states = sizes[[layout.PHASES, layout.SEGMENTS, layout.POSITIONS, layout.LEVELS]].prod()
    highest[layout.USER_STATE] = user_states - 1
    highest[[layout.VIDEO, layout.FOLLOWING]] = tables.n_videos - 1
    highest[layout.LAST] = 2 * sizes[layout.ACTIONS]
    highest[layout.ENDED] = 1
    highest[layout.VIDEO_KIND] = sizes[layout.KINDS] - 1
    return highest
