"""Processes that tests start: workers, as Linux knows them, commands whose disk is full, writers that are killed."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


_HOLD = """
import sys
from pathlib import Path
from preroll.files import atomic
with getattr(atomic, sys.argv[1])(Path(sys.argv[2]), "--run mine"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path: Path, how: str = "writing") -> "subprocess.Popen[str]":
    """Returns a process that writes ``path`` until it is killed or its stdin ends.

    Args:
        path: file or folder.
        how: function of :mod:`preroll.files.atomic` that holds its lock.
    """
    command = [sys.executable, "-c", _HOLD, how, str(path)]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "held\n"
    return started


@contextmanager
def written_elsewhere(path: Path, how: str = "writing") -> Iterator[str]:
    """Another process is writing ``path`` during the block; gives what a second writer is told of it."""
    with holder(path, how) as process:
        yield f"process {process.pid} is writing it now"
        process.communicate()


def on_a_full_disk(size: int) -> dict[str, Any]:
    """Returns the arguments of subprocess.run under which no file may grow beyond ``size`` bytes, with the real error.

    Coverage is not measured there: its own file would not fit.
    """
    return {
        "preexec_fn": partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size, size)),
        "env": {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
    }


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """In this process no file may grow beyond ``size`` bytes during the block, with the real error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# One process for all kills, so that modules are loaded once: every child is killed at one more file operation than the
# child before it, until one ends.
_KILLS = """
import json, os, signal, sys
from pathlib import Path

place = Path(sys.argv[1])
exec(sys.argv[2])
FILES = ("open", "os.", "shutil.", "tempfile.")
seen, kills = [], 0
while True:
    child = os.fork()
    if child == 0:
        left = kills

        def count(event, arguments):
            global left
            if event.startswith(FILES):
                left -= 1  # before the kill, which is such an operation itself
                if left == -1:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        write()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    seen.append(look())
    if status == 0:
        break
    assert os.WTERMSIG(status) == signal.SIGKILL
    kills += 1
print(json.dumps([kills, seen, sorted(path.name for path in place.iterdir())]))
"""


def killed_at_every_file_operation(program: str, place: Path) -> tuple[int, list[Any], list[str]]:
    """Kills a writer at each of its file operations, one after the other, and looks at what every kill left.

    Args:
        program: Python that defines ``write()`` and ``look()``, which returns what JSON can hold; ``place`` is known.
        place: the folder in which it writes.

    Returns:
        The number of kills, what was seen after each of them and after the writer that came to its end, and the names
        in the folder at last.
    """
    command = [sys.executable, "-c", _KILLS, str(place), program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kills, seen, left = json.loads(done.stdout)
    return kills, seen, left
