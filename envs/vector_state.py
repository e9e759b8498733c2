"""Whole state of a vector environment as arrays, checked before compiled code reads it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.envs.kernel import layout
from preroll.envs.kernel.lanes import Lanes
from preroll.envs.model.tables import Tables
from preroll.errors import PrerollError

Arrays = dict[str, NDArray[Any]]


def copy_state(lanes: Lanes) -> Arrays:
    """Returns copies of the keys and the state of all lanes; the scratch memory lasts only for one step."""
    return {"keys": lanes.keys, "state": lanes.state}


def write_state(lanes: Lanes, arrays: Mapping[str, NDArray[Any]], tables: Tables) -> None:
    """Writes what :func:`copy_state` returned back.

    Raises:
        PrerollError: an array is missing, has another dtype or shape, or holds a number that the compiled scenario has
            no entry for; nothing is written.
    """
    for name, current in copy_state(lanes).items():
        array = arrays.get(name)
        found = "missing" if array is None else f"{array.dtype} {list(array.shape)}"
        if found != (expected := f"{current.dtype} {list(current.shape)}"):
            raise PrerollError(f"{name}: {found}: {expected} is expected")
    # Compiled code does not check the indices with which it reads its tables.
    highest = _highest(tables)
    most = np.array([highest[row] for row in layout.ROWS])[:, None]
    if ((arrays["state"] < 0) | (arrays["state"] > most)).any():
        raise PrerollError(f"state: holds numbers that {tables.scenario.name} on this catalog does not have")
    lanes.load(arrays["keys"], arrays["state"])


def _highest(tables: Tables) -> dict[Any, int]:
    """Returns the largest number allowed in each row of the state."""
    sizes = tables.packed.integers.astype(np.int64)
    user_states = int(sizes[[layout.PHASES, layout.SEGMENTS, layout.POSITIONS, layout.LEVELS]].prod())
    return {
        layout.SESSION: np.iinfo(np.int32).max,
        layout.SLOT: sizes[layout.N_SLOTS],
        layout.USER_STATE: user_states - 1,
        layout.VIDEO: tables.n_videos - 1,
        layout.FOLLOWING: tables.n_videos - 1,
        layout.LAST: 2 * sizes[layout.ACTIONS],
        layout.ENDED: 1,
        layout.VIDEO_KIND: sizes[layout.KINDS] - 1,
    }
