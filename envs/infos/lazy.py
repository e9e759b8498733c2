"""Infos of one step of the vector environment: a dict that is built when it is read."""

from collections.abc import Collection
from typing import Any, Protocol


class Source(Protocol):
    """What knows the values of a step."""

    def names(self) -> Collection[str]:
        """Returns the keys, in order."""

    def build(self, key: str) -> Any:
        """Returns the value of a key."""


class Completed(Protocol):
    """What can be built to the end, before the arrays that it is made of are written over."""

    def complete(self) -> None:
        """Builds all that was not read."""


class Lazy(dict[str, Any]):
    """Dict that is completed when it is first read as a whole; :meth:`complete` is all that a subclass has to say.

    What was written before stays. A copy, a union and a pickle are plain dicts.
    """

    __slots__ = ("source",)

    source: Any  # of what is not yet built, or None; set by the maker, since a call costs as much as a dict

    def __getattr__(self, name: str) -> None:
        # Unset where somebody makes another one by its type, as Gymnasium's NumpyToTorch does with every mapping.
        if name != "source":
            raise AttributeError(name)

    def complete(self) -> None:
        """Builds all that was not read; the order is that of the keys, and then that in which others were written."""
        if self.source is not None:
            given = {key: dict.__getitem__(self, key) for key in dict.__iter__(self)} if dict.__len__(self) else {}
            whole = {**self._whole(self.source, given), **given}
            self.source = None
            if given:
                dict.clear(self)
            dict.update(self, whole)

    def _whole(self, source: Any, given: dict[str, Any]) -> dict[str, Any]:
        """Returns all that ``source`` tells; what is ``given`` need not be built."""
        raise NotImplementedError

    def __missing__(self, key: str) -> Any:
        if self.source is None:
            raise KeyError(key)
        self.complete()
        return self[key]

    def __copy__(self) -> dict[str, Any]:
        self.complete()  # so that the copy has the same arrays, as a dict's has, whatever was read before
        return dict(self)

    def copy(self) -> dict[str, Any]:
        """Returns a plain dict of the same values."""
        return self.__copy__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (self.__copy__(),)


def _completed(name: str) -> Any:
    """Returns the method of dict for the whole content."""
    of_dict = getattr(dict, name)

    def method(self: Lazy, *arguments: Any) -> Any:
        if self.source is not None:
            self.complete()
        return of_dict(self, *arguments)

    method.__name__, method.__qualname__, method.__doc__ = name, f"Lazy.{name}", of_dict.__doc__
    return method


# With an `__iter__` of their own, dict(infos), {**infos} and update(infos) read through keys() instead of the storage.
for _name in (
    *("__iter__", "__reversed__", "__len__", "__eq__", "__ne__", "__or__", "__ror__", "__ior__", "__repr__"),
    *("__contains__", "__delitem__", "get", "keys", "values", "items", "pop", "popitem", "setdefault", "clear"),
):
    setattr(Lazy, _name, _completed(_name))


class Infos(Lazy):
    """Infos of one step: a dict whose arrays are built when they are first read.

    Whatever is read, and whenever, is that of the step that returned it.

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

    __slots__ = ("__weakref__",)

    source: Source | None

    def _whole(self, source: Source, given: dict[str, Any]) -> dict[str, Any]:
        return {key: given[key] if key in given else source.build(key) for key in source.names()}

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
