"""Infos of a reset and of a step, as Gymnasium's SyncVectorEnv writes them; those of a step are built when read.

Every key has a mask ``_key``: whether the lane has it. What a reset cannot tell stands there with values that cannot be
counted (:data:`NOT_PLAYED`), and its masks are False.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from preroll.envs.played import Played

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


def of_reset(video: int, category: int, abandons: bool) -> dict[str, Any]:
    """Returns the info of a reset of the single environment."""
    return {"video": video, "category": category, **{key: NOT_PLAYED[key] for key in keys(abandons)[2:]}}


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


class Infos(dict[str, Any]):
    """Infos of one step: a dict whose arrays are built when they are first read.

    Whatever is read, and whenever, is that of the step that returned it. A copy, a union and a pickle are plain dicts.

    Examples:
        >>> import numpy as np
        >>> from preroll.envs import SessionVectorEnv
        >>> envs = SessionVectorEnv(3, scenario="classic", catalog="demo")
        >>> _ = envs.reset(seed=1)
        >>> infos = envs.step(np.array([0, 2, 4]))[4]
        >>> isinstance(infos, dict), "final_obs" in infos, infos["ad"].tolist(), infos["_ad"].tolist()
        (True, False, [0, 2, 4], [True, True, True])
        >>> list(infos)[:4]
        ['video', '_video', 'category', '_category']
    """

    __slots__ = ("__weakref__", "source")

    source: "Played | None"  # of what is not yet built; the environment sets it, since a call costs as much as a dict

    def __missing__(self, key: str) -> Any:
        source = self.source
        if source is None or key not in source.names():
            raise KeyError(key)
        value = source.build(key)
        dict.__setitem__(self, key, value)
        return value

    def __contains__(self, key: object) -> bool:
        return dict.__contains__(self, key) or (self.source is not None and key in self.source.names())

    def get(self, key: str, default: Any = None) -> Any:
        """Returns the value of a key, or ``default`` where there is none."""
        try:
            return self[key]
        except KeyError:
            return default

    def complete(self) -> None:
        """Builds all that was not read; the order is that of the keys, and then that in which others were written."""
        if (source := self.source) is not None:
            given = {key: dict.__getitem__(self, key) for key in dict.__iter__(self)}
            whole = {key: given[key] if key in given else source.build(key) for key in source.names()}
            self.source = None
            dict.clear(self)
            dict.update(self, {**whole, **given})

    def __copy__(self) -> dict[str, Any]:
        self.complete()
        return dict(self)

    def copy(self) -> dict[str, Any]:
        """Returns the infos as a plain dict."""
        return self.__copy__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (self.__copy__(),)


def _completed(name: str) -> Any:
    """Returns the method of dict for the whole content."""
    of_dict = getattr(dict, name)

    def method(self: Infos, *arguments: Any, **named: Any) -> Any:
        self.complete()
        return of_dict(self, *arguments, **named)

    method.__name__, method.__qualname__, method.__doc__ = name, f"Infos.{name}", of_dict.__doc__
    return method


# With an `__iter__` of their own, dict(infos), {**infos} and update(infos) read through keys() instead of the storage.
for _name in (
    *("__iter__", "__reversed__", "__len__", "__eq__", "__ne__", "__or__", "__ror__", "__ior__", "__repr__"),
    *("__delitem__", "keys", "values", "items", "pop", "popitem", "setdefault", "clear"),
):
    setattr(Infos, _name, _completed(_name))
