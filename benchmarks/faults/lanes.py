"""Lanes: processes that take tasks, one by one, and give back what their function returns."""

import os
import pickle
import struct
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from benchmarks.faults.process import prepare_host

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_lanes(
    do: Callable[[Task, Path], Result], tasks: Sequence[Task], folder: Path, lanes: int, until: float = float("inf")
) -> list[Result | None]:
    """Returns the results of tasks, in their order; None for those that were not begun before ``until`` (monotonic)."""
    take, put = os.pipe()
    os.write(put, b"".join(struct.pack("H", i) for i in range(len(tasks))))
    os.close(put)
    children = []
    for lane in range(lanes):
        if (child := os.fork()) == 0:
            _serve(do, tasks, folder / f"lane-{lane}", take, until)
        children.append(child)
    os.close(take)
    for child in children:
        os.waitpid(child, 0)
    results: list[Result | None] = [None] * len(tasks)
    for path in folder.glob("lane-*.results"):
        with path.open("rb") as file:
            while head := file.read(2):
                results[struct.unpack("H", head)[0]] = pickle.load(file)
        path.unlink()
    return results


def _serve(do: Callable[[Task, Path], Result], tasks: Sequence[Task], folder: Path, take: int, until: float) -> None:
    """Works through tasks; never returns."""
    try:
        prepare_host()
        with folder.with_name(f"{folder.name}.results").open("wb") as results:
            while time.monotonic() < until and (head := os.read(take, 2)):
                content = pickle.dumps(do(tasks[struct.unpack("H", head)[0]], folder))
                results.write(head + content)
                results.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(0)
