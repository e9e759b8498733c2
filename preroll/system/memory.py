"""What memory the work takes and what the machine leaves: they are compared before the work begins.

Needs were measured by ``make bench-memory`` on two cores, and tried as ``ulimit -v``. Numba and torch reserve much
more address space than they fill, and it is address space that ``ulimit -v`` limits.
"""

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from preroll.console.spoken import spoken
from preroll.errors import MemoryShortError
from preroll.system.cgroups import settings
from preroll.system.processors import cores

MIB, GIB = 1 << 20, 1 << 30


@dataclass(frozen=True)
class Need:
    """Memory of one process.

    Attributes:
        space: address space that it reserves [bytes].
        filled: memory that it fills [bytes].
    """

    space: int
    filled: int

    def plus(self, size: int) -> "Need":
        """Returns the need with arrays of ``size`` bytes besides."""
        return Need(self.space + size, self.filled + size)


#: Sessions, bandits and optima, in compiled code.
COMPILED = Need(640 * MIB, 320 * MIB)
#: The same with an agent or a classifier whose networks are torch's.
NETWORKS = Need(1408 * MIB, 640 * MIB)
#: Tables written as Parquet.
TABLES = Need(1792 * MIB, 384 * MIB)
#: Catalogs of hundreds of videos: threads around the workers and neighbours.
CATALOG = Need(2560 * MIB, 384 * MIB)
#: A worker that decodes videos; a limit of its own stops it earlier than ours.
VIDEOS = Need(768 * MIB, 256 * MIB)


@dataclass(frozen=True)
class Limit:
    """A limit and how a user knows it."""

    bytes: int
    name: str
    remedy: str


def address_space() -> Limit | None:
    """Returns the limit of the address space of every process, where the system has one."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY:
        return None
    return Limit(soft, "`ulimit -v`", "raise it, as by `ulimit -v unlimited`")


def memory() -> Limit | None:
    """Returns the smallest limit of what all processes together may fill: a container's, or the machine's memory."""
    files = [*settings("memory", ("memory.max",)), *settings("memory", ("memory.limit_in_bytes",))]
    limits = [Limit(int(one), "the container", "give it more memory") for (one,) in files if one.isdecimal()]
    with suppress(AttributeError, ValueError, OSError):  # no such question on Windows
        installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        limits.append(Limit(installed, "the machine", "take a larger one"))
    return min(limits, key=lambda limit: limit.bytes, default=None)


def require(what: str, need: Need) -> None:
    """Compares the need of a process with the limits.

    Args:
        what: the work, as the message names it.
        need: of the process.

    Raises:
        MemoryShortError: there is less memory than it takes.
    """
    _compare(what, need.space, "address space", address_space())
    _compare(what, need.filled, "memory", memory())


def usable_workers(asked: int | None, worker: Need, parent: Need = COMPILED) -> int:
    """Returns how many workers to start: as many as were asked for, else one per core as far as memory goes.

    Raises:
        MemoryShortError: not even one worker fits.
    """
    require("a worker process", worker)
    limit = memory()
    fit = cores() if limit is None else (limit.bytes - parent.filled) // worker.filled
    if limit is not None and fit < 1:
        _compare("a process and its worker", parent.filled + worker.filled, "memory", limit)
    if asked is not None and limit is not None and asked > fit:
        say_once(f"--workers {asked}, as asked; about {fit} of them fit into the {_size(limit.bytes)} of {limit.name}")
    return asked or max(1, min(cores(), fit))


def shortage(error: BaseException) -> str | None:
    """Returns a line about an error that comes of too little memory; None for any other.

    Under a limit of address space libraries say so in many words; without one only a MemoryError tells.
    """
    limit = address_space()
    while error.__cause__ is not None:
        error = error.__cause__
    text = str(error)
    if not isinstance(error, MemoryError) and (limit is None or not any(words in text for words in _SHORT)):
        return None
    told = f"{limit.name} allows {_size(limit.bytes)}: {limit.remedy}, or " if limit is not None else ""
    return f"not enough memory ({' '.join(text.split())[:120] or type(error).__name__}); {told}make the work smaller"


#: How the loader, libraries and the system say that memory is short.
_SHORT = (
    "failed to map segment",
    "Cannot allocate memory",
    "cannot allocate memory",
    "can't allocate memory",
    "Unable to allocate",
    "libllvmlite.so",
    "can't start new thread",
    "not enough memory",
    "bad_alloc",
    "out of memory",
)


@cache
def say_once(note: str) -> None:
    """Writes a note to stderr, if there is one, unless this process has written it before."""
    with suppress(OSError, AttributeError):
        sys.stderr.write(f"note: {spoken(note)}\n")


def _compare(what: str, need: int, kind: str, limit: Limit | None) -> None:
    if limit is not None and limit.bytes < need:
        allowed = f"{limit.name} allows {_size(limit.bytes)}"
        raise MemoryShortError(f"{what} needs about {_size(need)} of {kind}, and {allowed}: {limit.remedy}")


def _size(size: int) -> str:
    return f"{size / GIB:.2f} GiB" if size >= GIB else f"{size / MIB:.0f} MiB"
