"""Compilation of kernel functions with Numba: the only place that sets its options.

``_nrt=False`` turns Numba's reference counting off. Without it every use of an array out of the tables costs two atomic
operations, and a step is ten times slower. The price is that a compiled function may not allocate, which a kernel
should not do anyway. ``error_model="numpy"`` leaves out a check before every division. ``noalias`` promises that the
arrays handed to a function do not overlap (where one of them is written): without it no loop that gathers from tables
and stores results is vectorised. Numba has that flag but no option for it; here it gets one.

Machine code is kept on disk: under ``NUMBA_CACHE_DIR``, else ``PREROLL_CACHE``, else where Numba would, beside the
source or in the user's cache. Where nothing can be written it is compiled again by every process. Numba would use it
until the function's own file changes; here it is used until any file of its folder that holds compiled functions does,
so that functions may call each other from file to file.

``NUMBA_DISABLE_JIT=1`` makes all of them plain Python. Hashes then overflow uint64, which is meant, in silence.
"""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numba import config as numba_config
from numba import njit, typeof
from numba.core import event as numba_event
from numba.core.caching import FunctionCache, _CacheLocator, _SourceFileBackedLocatorMixin
from numba.core.cpu import CPUTargetOptions
from numba.core.dispatcher import Dispatcher
from numba.core.options import TargetOptions
from numba.extending import intrinsic

from preroll.cache import VARIABLE, cache_folder, say_not_kept, say_once

config: Any = numba_config
CPUTargetOptions.noalias = TargetOptions.Mapping("noalias")  # type: ignore[no-untyped-call]

Function = TypeVar("Function", bound=Callable[..., object])


_OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
_PART: dict[str, Any] = {**_OPTIONS, "forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_NO_OVERLAP: dict[str, Any] = {"noalias": True}


@cache
def _sources(folder: Path) -> str:
    """Returns a hash of this file and of all files of a folder that hold compiled functions."""
    texts = [path.read_bytes() for path in sorted(folder.glob("*.py"))]
    compiled_here = b"".join(text for text in texts if b"preroll.jit import" in text)
    return sha256(Path(__file__).read_bytes() + compiled_here).hexdigest()


class _Locator(_SourceFileBackedLocatorMixin, _CacheLocator):
    """Place of the machine code of a function under ``PREROLL_CACHE``."""

    def __init__(self, function: Callable[..., object], file: str) -> None:
        self._py_file, self._lineno = file, function.__code__.co_firstlineno

    def get_cache_path(self) -> str:
        """Returns a folder for every folder of sources."""
        folder = cache_folder("compiled")
        assert folder is not None
        part: str = self.get_suitable_cache_subpath(self._py_file)  # type: ignore[no-untyped-call]
        return str(folder / part)


class _Implementation(cast(Any, FunctionCache._impl_class)):  # type: ignore[misc]
    @property
    def _locator_classes(self) -> list[type]:
        """Where machine code may be kept, the first place that can be written."""
        if cache_folder("compiled") is not None and not config.CACHE_DIR:
            return [_Locator]
        # Without a home Numba would make a folder `~` here.
        homeless = not os.path.isabs(os.path.expanduser("~"))
        return [one for one in super()._locator_classes if not (homeless and "UserWide" in one.__name__)]


class _FolderCache(FunctionCache):
    """Cache of machine code on disk, valid until a file with compiled functions in the folder changes.

    Numba lets errors of the disk and damaged files end the work; here the function is compiled instead.
    """

    _impl_class = _Implementation

    def __init__(self, function: Callable[..., object]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        self._cache_file._source_stamp = _sources(Path(function.__code__.co_filename).parent)

    def load_overload(self, *arguments: Any) -> Any:
        """Returns the machine code for a signature; None where there is none that can be read."""
        try:
            return super().load_overload(*arguments)  # type: ignore[no-untyped-call]
        except OSError as error:
            self._give_up(error)
        except Exception:  # a damaged pickle may raise anything
            with suppress(OSError):
                self.flush()  # type: ignore[no-untyped-call]
        return None

    def save_overload(self, *arguments: Any) -> None:
        """Keeps the machine code for a signature, where the disk takes it."""
        try:
            super().save_overload(*arguments)  # type: ignore[no-untyped-call]
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self.disable()  # type: ignore[no-untyped-call]
        _say(f"{self.cache_path}: {error.strerror or error}")


class _Notice(numba_event.Listener):
    """Line for whoever waits at a terminal while functions are compiled that no folder has yet."""

    def on_start(self, event: Any) -> None:
        """Writes at the first of them that the process compiles."""
        kept = getattr(event.data["dispatcher"], "_cache", None)
        if isinstance(kept, _FolderCache) and sys.stderr is not None and sys.stderr.isatty():
            say_once("compiling", f"compiling for this machine takes about 10 s, once: it is kept in {kept.cache_path}")

    def on_end(self, event: Any) -> None:
        """Writes nothing."""


numba_event.register("numba:compile", _Notice())  # type: ignore[no-untyped-call]


def _kept(dispatcher: Any, function: Callable[..., object]) -> Any:
    """Attaches a cache to a dispatcher, where there is a place for one."""
    try:
        dispatcher._cache = _FolderCache(function)
    except (RuntimeError, OSError):  # Numba tried all places and found none
        wanted = config.CACHE_DIR or cache_folder("compiled")
        _say(f"{wanted or Path(__file__).parent} cannot be written" + ("" if wanted else ", nor the user's cache"))
    return dispatcher


def _say(why: str) -> None:
    say_not_kept("compiled code", why, "NUMBA_CACHE_DIR" if config.CACHE_DIR else VARIABLE)


def compiled(function: Function) -> Function:
    """Compiles ``function`` at its first call and keeps the machine code on disk."""
    dispatcher = njit(**_OPTIONS)(function)
    if not isinstance(dispatcher, Dispatcher):  # plain Python
        return np.errstate(over="ignore")(function)
    return cast(Function, _kept(dispatcher, function))


def allocating(**options: Any) -> Callable[[Function], Function]:
    """Compiles a function that allocates, with Numba's own defaults and ``options``; its machine code is kept too."""

    def decorate(function: Function) -> Function:
        dispatcher = njit(**options)(function)
        return cast(Function, _kept(dispatcher, function) if isinstance(dispatcher, Dispatcher) else dispatcher)

    return decorate


def inlined(function: Function) -> Function:
    """Compiles a function that only other compiled functions call; its code is merged into theirs."""
    return cast(Function, njit(**_PART)(function))


def loop(function: Function) -> Function:
    """Compiles as :func:`inlined` a loop over lanes whose arrays do not overlap, so that it is vectorised."""
    return cast(Function, njit(**_PART, **_NO_OVERLAP)(function))


def written_as(code: Callable[..., object]) -> Callable[[Callable[..., None]], Any]:
    """Replaces a function in compiled code by instructions of LLVM that ``code`` writes, as Numba's ``intrinsic`` does.

    In plain Python the function itself runs, which must do the same: with ``NUMBA_DISABLE_JIT=1``, or as ``py_func`` of
    what is returned, as with compiled functions.
    """

    def decorate(function: Callable[..., None]) -> Any:
        if config.DISABLE_JIT:
            return function
        instructions: Any = intrinsic(code)
        instructions.py_func = function
        return instructions

    return decorate


def direct(function: Function, *arguments: object) -> Function:
    """Returns the machine code of a compiled ``function`` for arguments of these types.

    Numba inspects the type of every argument at every call, which takes as long as a step of a few lanes. The caller
    guarantees arguments of the same types. In plain Python it is ``function`` itself.
    """
    if not isinstance(function, Dispatcher):
        return function
    types = types_of(arguments)
    function.compile(types)
    compiled_for_types: Any = function.overloads[types]
    return cast(Function, compiled_for_types.entry_point)


def types_of(arguments: tuple[object, ...]) -> tuple[Any, ...]:
    """Returns Numba's types of arguments."""
    return tuple(typeof(argument) for argument in arguments)  # type: ignore[no-untyped-call]
