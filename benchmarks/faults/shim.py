"""State of ``shim.c``, as Python sees it."""

import ctypes
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")
#: Kinds of calls, in the order of the shim.
KINDS = ("write", "create", "mkdir", "rename", "unlink", "fsync", "truncate")
COUNT, FAIL, FAIL_ON, KILL = range(4)
_LONGEST = 4096


class State(ctypes.Structure):
    """What is counted and what is to fail, shared by all processes of a command."""

    _fields_ = (
        *((name, ctypes.c_long) for name in ("action", "kind", "number", "error", "fired")),
        ("counts", ctypes.c_long * len(KINDS)),
        ("below", ctypes.c_char * _LONGEST),
        ("hit", ctypes.c_char * _LONGEST),
    )


def build(folder: Path) -> Path | None:
    """Compiles the shim into ``folder``; returns None where there is no gcc."""
    if shutil.which("gcc") is None:
        return None
    made = folder / "shim.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", str(made), str(SOURCE), "-ldl"], check=True)
    return made
