"""Tiered execution: compiled functions are interpreted first, and compiled where they are hot."""

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any, cast

import numpy as np
from numba.core.dispatcher import Dispatcher

from preroll.jit import direct, types_of


class Tiered:
    """Compiled function that is interpreted until it is hot, where no machine code of it was kept.

    Compiling takes seconds, and a first step should not. The interpreted function gives the same bits.

    Args:
        function: a function of :func:`compiled`. All calls have arguments of the same types.

    Attributes:
        call: the function as it runs now, to be looked up at every call.
    """

    HOT = 2000  # calls: far more than a first look needs, far less time than compiling takes

    def __init__(self, function: Any) -> None:
        self._function, self._calls = function, 0
        self.call: Callable[..., Any] = self._begin

    def _begin(self, *arguments: object) -> Any:
        self.call = direct(self._function, *arguments) if _loaded(self._function, arguments) else self._interpret
        return self.call(*arguments)

    def _interpret(self, *arguments: object) -> Any:
        self._calls += 1
        if self._calls > self.HOT:
            self.call = direct(self._function, *arguments)
            return self.call(*arguments)
        return np.errstate(over="ignore")(interpreted(self._function))(*arguments)


def _loaded(function: Any, arguments: tuple[object, ...]) -> bool:
    """Returns whether a function needs no compiling for these arguments, and loads what was kept of it."""
    if not isinstance(function, Dispatcher):
        return True
    dispatcher, types = cast(Any, function), types_of(arguments)
    if types not in dispatcher.overloads:
        # Numba's target takes a third of a second, so it is not asked for where nothing was kept.
        kept = dispatcher._cache.load_overload(types, dispatcher.targetctx) if _any_kept(dispatcher._cache) else None
        if kept is None:
            return False
        dispatcher.targetctx.insert_user_function(kept.entry_point, kept.fndesc, [kept.library])
        dispatcher.add_overload(kept)
    return True


def _any_kept(cache_on_disk: Any) -> bool:
    try:
        return bool(cache_on_disk._cache_file._load_index())
    except Exception:  # no file, or a damaged pickle, which may raise anything
        return False


@cache
def interpreted(function: Any) -> Any:
    """Returns a compiled function as plain Python, and so all compiled functions and intrinsics that it calls."""
    plain = cast(Any, function).py_func
    names = dict(plain.__globals__)
    called = [name for name in plain.__code__.co_names if hasattr(names.get(name), "py_func")]
    names |= {name: interpreted(names[name]) for name in called}
    return FunctionType(plain.__code__, names, plain.__name__, plain.__defaults__, plain.__closure__)
