"""Compilation of kernel functions with Numba: the only place that sets its options.

``_nrt=False`` turns Numba's reference counting off. Without it every use of an array out of the tables costs two atomic
operations, and a step is ten times slower. The price is that a compiled function may not allocate, which a kernel
should not do anyway. ``error_model="numpy"`` leaves out a check before every division. ``noalias`` promises that the
arrays handed to a function do not overlap (where one of them is written): without it no loop that gathers from tables
and stores results is vectorised. Numba has that flag but no option for it; here it gets one.

Machine code is kept on disk. Numba would use it until the function's own file changes; here it is used until any file
of its folder that holds compiled functions does, so that functions may call each other from file to file.

``NUMBA_DISABLE_JIT=1`` makes all of them plain Python. Hashes then overflow uint64, which is meant, in silence.
"""

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, typeof
from numba.core.caching import FunctionCache
from numba.core.cpu import CPUTargetOptions
from numba.core.dispatcher import Dispatcher
from numba.core.options import TargetOptions

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


class _FolderCache(FunctionCache):
    """Cache of machine code on disk, valid until a file with compiled functions in the folder changes."""

    def __init__(self, function: Callable[..., object]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        self._cache_file._source_stamp = _sources(Path(function.__code__.co_filename).parent)


def compiled(function: Function) -> Function:
    """Compiles ``function`` at its first call and keeps the machine code on disk."""
    dispatcher = njit(**_OPTIONS)(function)
    if not isinstance(dispatcher, Dispatcher):  # plain Python
        return np.errstate(over="ignore")(function)
    cast(Any, dispatcher)._cache = _FolderCache(function)
    return cast(Function, dispatcher)


def inlined(function: Function) -> Function:
    """Compiles a function that only other compiled functions call; its code is merged into theirs."""
    return cast(Function, njit(**_PART)(function))


def loop(function: Function) -> Function:
    """Compiles as :func:`inlined` a loop over lanes whose arrays do not overlap, so that it is vectorised."""
    return cast(Function, njit(**_PART, **_NO_OVERLAP)(function))


def direct(function: Function, *arguments: object) -> Function:
    """Returns the machine code of a compiled ``function`` for arguments of these types.

    Numba inspects the type of every argument at every call, which takes as long as a step of a few lanes. The caller
    guarantees arguments of the same types. In plain Python it is ``function`` itself.
    """
    if not isinstance(function, Dispatcher):
        return function
    types = tuple(typeof(argument) for argument in arguments)  # type: ignore[no-untyped-call]
    function.compile(types)
    compiled_for_types: Any = function.overloads[types]
    return cast(Function, compiled_for_types.entry_point)
