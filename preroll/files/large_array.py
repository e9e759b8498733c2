"""Arrays too large for memory, in files without a name that are gone with the array."""

import mmap
import os
import shutil
import tempfile
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from preroll.errors import PrerollError
from preroll.system.memory import GIB

#: Bytes up to which an array stays in memory.
IN_MEMORY = GIB


def in_memory(size: int) -> int:
    """Returns how many bytes of memory an array of ``size`` bytes takes: all, or none where it is on disk."""
    return size if size <= IN_MEMORY else 0


def large_array(what: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Returns an array to be filled.

    One of more than :data:`IN_MEMORY` is a file in the folder that ``TMPDIR`` names, else in the system's own.

    Args:
        what: the array, as the message names it.
        shape: its shape.
        dtype: its type.

    Raises:
        PrerollError: If the disk has no room for it.
    """
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if in_memory(size):
        return np.empty(shape, dtype)
    try:
        with tempfile.TemporaryFile(prefix="preroll-") as file:
            _reserve(file.fileno(), size)
            mapped = mmap.mmap(file.fileno(), size)
    except OSError as error:
        place = tempfile.gettempdir()
        raise PrerollError(
            f"{what}: {size / GIB:.1f} GiB do not fit into {place}: {error.strerror or error}; set TMPDIR to a folder "
            "with more room, or make the work smaller"
        ) from None

    return np.frombuffer(mapped, dtype).reshape(shape)


def let_go(array: NDArray[Any]) -> None:
    """Lets go of the memory that a large array fills, if this is a view of one: it is read again where it is needed."""
    owner: object = array
    while isinstance(owner, np.ndarray | memoryview):
        owner = owner.base if isinstance(owner, np.ndarray) else owner.obj
    if isinstance(owner, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        owner.madvise(mmap.MADV_DONTNEED)


def _reserve(file: int, size: int) -> None:
    """Takes the room of a file on the disk: a mapped file that finds none later would end the process.

    Raises:
        OSError: There is not enough.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
        return
    if (free := shutil.disk_usage(tempfile.gettempdir()).free) < size:
        raise OSError(f"{free / GIB:.1f} GiB are free")
    os.truncate(file, size)
