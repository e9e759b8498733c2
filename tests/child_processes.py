"""The workers that this process has started, as Linux knows them."""

from contextlib import suppress
from pathlib import Path

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
