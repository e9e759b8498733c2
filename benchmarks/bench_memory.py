"""Memory that one process of each kind takes at its largest: the needs of ``preroll/system/memory.py``.

    python benchmarks/bench_memory.py

Prints for every command the largest address space and the largest resident memory of any of its processes. Needs Linux.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

EXPERIMENT = "scenario: classic\nagents: [thompson, ppo]\nseeds: 1\nsessions: 500\nevaluate: {sessions: 1000}\n"
#: Need, and the command of it in the order in which they need each other.
COMMANDS = (
    ("COMPILED", "optimum"),
    ("COMPILED", "train thompson --sessions 500 --run thompson"),
    ("COMPILED", "evaluate thompson --sessions 1000"),
    ("NETWORKS", "train ppo --sessions 500 --run ppo"),
    ("NETWORKS", "evaluate thompson ppo --sessions 1000"),
    ("NETWORKS", "experiment run experiment.yaml --out experiment --workers 1"),
    ("TABLES", "impressions thompson log.parquet --sessions 500"),
    ("CATALOG", "catalog demo-videos videos"),
    ("CATALOG", "catalog build videos --out catalog --workers 1"),
)


def main() -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "experiment.yaml").write_text(EXPERIMENT)
        for need, command in COMMANDS:
            parent, workers = largest(command.split(), folder)
            told = f"{need:9}{command:62}{parent[0]:5} MiB reserved{parent[1]:5} filled"
            print(told + (f"; a worker {workers[0]:5} reserved{workers[1]:5} filled" if workers[0] else ""))


def largest(words: list[str], folder: str) -> tuple[list[int], list[int]]:
    """Returns the peaks [MiB] of address space and resident memory of a command, and of the largest of its workers."""
    command = [sys.executable, "-m", "preroll", *words]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(Path(__file__).parents[1]), *sys.path))}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    peaks: dict[int, list[int]] = {}
    watcher = threading.Thread(target=_watch, args=(process, peaks))
    watcher.start()
    if process.wait():
        raise SystemExit(f"preroll {' '.join(words)}: exit status {process.returncode}")
    watcher.join()
    parent = peaks.pop(process.pid)
    return parent, [max((peak[i] for peak in peaks.values()), default=0) for i in (0, 1)]


def _watch(process: "subprocess.Popen[bytes]", peaks: dict[int, list[int]]) -> None:
    while process.poll() is None:
        for pid in (process.pid, *_children(process.pid)):
            try:
                lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
                peaks[pid] = [int(lines[name].split()[0]) >> 10 for name in ("VmPeak", "VmHWM")]
            except (OSError, KeyError):  # it has ended
                continue
        time.sleep(0.02)


def _children(pid: int) -> list[int]:
    """Returns the processes that any thread of a process has started."""
    found = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in listed.read_text().split()]
        except OSError:  # the thread has ended
            continue
    return found


if __name__ == "__main__":
    main()
