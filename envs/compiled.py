"""How kernel functions are compiled: one place for Numba's options.

``_nrt=False`` turns Numba's reference counting off. Without it every use of an array out of the tables costs two atomic
operations, and a step is ten times slower. The price is that a compiled function may not allocate, which a kernel
should not do anyway. ``error_model="numpy"`` leaves out a check before every division. ``noalias`` promises that the
arrays handed to a function do not overlap (where one of them is written): without it no loop that gathers from tables
and stores results is vectorised. Numba has that flag but no option for it; here it gets one.

``NUMBA_DISABLE_JIT=1`` makes all of them plain Python.
"""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit
from numba.core.cpu import CPUTargetOptions
from numba.core.options import TargetOptions

CPUTargetOptions.noalias = TargetOptions.Mapping("noalias")  # type: ignore[no-untyped-call]

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compiles ``function`` at its first call and keeps the machine code on disk."""
    return cast(Function, njit(cache=True, error_model="numpy", _nrt=False)(function))  # type: ignore[call-overload]


def inlined(function: Function) -> Function:
    """As :func:`compiled`, for a part of other compiled functions: its code is merged into theirs."""
    options = {"cache": True, "error_model": "numpy", "_nrt": False, "forceinline": True}
    return cast(Function, njit(**options)(function))  # type: ignore[call-overload]


def loop(function: Function) -> Function:
    """As :func:`inlined`, for a loop over lanes whose arrays do not overlap: it is vectorised."""
    options = {"cache": True, "error_model": "numpy", "_nrt": False, "forceinline": True, "noalias": True}
    return cast(Function, njit(**options)(function))  # type: ignore[call-overload]
