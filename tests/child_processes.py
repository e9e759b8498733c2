"""Processes that tests start: workers, as Linux knows them, and commands whose disk is full."""

import os
import resource
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest


def worker_processes() -> list[int]:
    """Returns the process ids of preroll's workers whose parent is this process; skips where there is no /proc."""
    tasks = Path("/proc/self/task")
    if not tasks.is_dir():
        pytest.skip("finding child processes needs /proc")
    found: list[int] = []
    for task in tasks.iterdir():
        with suppress(OSError):  # threads and processes end while they are being listed
            found.extend(int(pid) for pid in (task / "children").read_text().split() if is_worker(pid))
    return found


def is_worker(pid: str) -> bool:
    try:
        return b"preroll.workers.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def on_a_full_disk(size: int) -> dict[str, Any]:
    """Returns the arguments of subprocess.run under which no file may grow beyond ``size`` bytes, with the real error.

    Coverage is not measured there: its own file would not fit.
    """
    return {
        "preexec_fn": partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size, size)),
        "env": {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
    }
