"""Entries of the infos of a reset and of a step, as Gymnasium's SyncVectorEnv writes them.

Every key has a mask ``_key``: whether the lane has it. What a reset cannot tell stands there with values that cannot be
counted (:data:`NOT_PLAYED`), and its masks are False.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: What a reset says of a slot that was not played, by key.
NOT_PLAYED: dict[str, Any] = {
    "ad": -1,
    "viewed": False,
    "view_probability": float("nan"),
    "expected_reward": float("nan"),
    "watched": float("nan"),
}
#: Keys that every reset tells.
OF_VIDEO = ("video", "category")


def keys(abandons: bool) -> tuple[str, ...]:
    """Returns the keys of all infos; ``abandons`` is whether the scenario has an abandonment curve."""
    return (*OF_VIDEO, *(key for key in NOT_PLAYED if key != "watched" or abandons))


@cache
def _unplayed(abandons: bool) -> dict[str, Any]:
    return {key: NOT_PLAYED[key] for key in keys(abandons)[len(OF_VIDEO) :]}


def of_reset(video: int, category: int, abandons: bool) -> dict[str, Any]:
    """Returns the info of a reset of the single environment."""
    return {"video": video, "category": category, **_unplayed(abandons)}


def of_resets(
    video: NDArray[np.int32], category: NDArray[np.int32], chosen: NDArray[np.int64], abandons: bool
) -> dict[str, Any]:
    """Returns the infos of a reset of the ``chosen`` lanes, arrays [n] of 0 elsewhere, as Gymnasium's."""
    n = len(video)
    told: dict[str, Any] = {}
    for key, value in of_reset(0, 0, abandons).items():
        told[key], told[f"_{key}"] = np.zeros(n, type(value)), np.zeros(n, np.bool_)
        told[key][chosen] = value
    for key, values in (("video", video), ("category", category)):
        told[key][chosen], told[f"_{key}"][chosen] = values[chosen], True
    return told


def of_slots(infos: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values of the slot just played in every lane, from the infos of a step in either autoreset mode."""
    final = infos.get("final_info", {})
    return {
        key: np.where(final[f"_{key}"], final[key], infos[key]) if key in final else infos[key]
        for key in keys("watched" in infos)
    }
