"""What is left of an experiment that is killed, stopped, or runs into a full disk, by the real command."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from preroll.simulations.experiment.execution.runner import run_plan
from preroll.simulations.experiment.execution.store import Store
from tests.child_processes import on_a_full_disk
from tests.simulations.conftest import MakeFile, load
from tests.simulations.experiment.execution.test_runner import in_this_process, inodes, numbers

MOMENTS = 20

#: Runs the experiment in a fresh process for every line of its input, which says at which event it is killed: a step of
#: a training, or a change of the file system. So no moment depends on how fast the machine is.
READY = """
import os
import shutil
import signal
import sys
from pathlib import Path

from preroll.simulations.experiment.design.plan import Plan
from preroll.simulations.experiment.execution import runner
from preroll.simulations.experiment.execution.store import Store
from preroll.simulations.training.loop import Loop
from tests.simulations.experiment.execution.test_runner import in_this_process

events, last = 0, 0

def counted(function):
    def call(*arguments, **settings):
        global events
        events += 1
        if events == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **settings)
    return call

os.replace, os.fsync, shutil.rmtree, Loop.step = map(counted, (os.replace, os.fsync, shutil.rmtree, Loop.step))
path, first, out = map(Path, sys.argv[1:])
plan = Plan.load(path)
runner.run_plan(plan, path.read_text(), Store(first), in_this_process)
print(events, flush=True)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        events, last = 0, int(line)
        runner.run_plan(plan, path.read_text(), Store(out), in_this_process)
        os._exit(0)
    os.waitpid(child, 0)
    print("over", flush=True)
"""


@pytest.fixture(scope="module")
def path(make_file: MakeFile) -> Path:
    """Twelve cells of a tenth of a second."""
    return make_file(agents=["random", {"thompson": {"num_envs": 16}}], seeds=3, evaluate={"sessions": 100})


@contextmanager
def ready(*arguments: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process, and the number of events of an undisturbed run."""
    command = [sys.executable, "-c", READY, *map(str, arguments)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield process, int(told(process))
    finally:
        process.kill()
        process.communicate()


def told(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_kills_at_20_random_moments_lose_nothing_and_repeat_nothing(path: Path, tmp_path: Path) -> None:
    """Whatever was complete stays as it is, file by file; what is left does the rest, with the very same results."""
    dice, undisturbed, killed = random.Random(11), Store(tmp_path / "first"), Store(tmp_path / "out")
    plan = load(path)
    complete: Mapping[str, int] = {}
    hits = 0
    with ready(path, undisturbed.path, killed.path) as (process, events):
        assert process.stdin is not None
        for _ in range(MOMENTS):
            process.stdin.write(f"{dice.randint(1, 3 * events // MOMENTS)}\n")
            process.stdin.flush()
            assert told(process) == "over"
            now = inodes(killed)
            hits += len(now) < len(plan.cells)
            assert complete.items() <= now.items()
            complete = now
    assert hits >= MOMENTS // 2  # most of them hit a run that was at work
    report = run_plan(plan, path.read_text(), killed, in_this_process)
    assert report.failures == {}
    assert complete.items() <= inodes(killed).items()
    pd.testing.assert_frame_equal(numbers(killed), numbers(undisturbed), check_exact=True)
    assert not list(killed.path.rglob(".*.preroll"))


def command_of(path: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "preroll", "experiment", "run", str(path), "--out", str(out), "--workers", "1"]


def await_cells(store: Store, number: int, process: subprocess.Popen[Any]) -> None:
    while len(inodes(store)) < number and process.poll() is None:
        time.sleep(0.01)


def test_ctrl_c_ends_in_one_line_and_the_same_command_goes_on(path: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "out")
    process = subprocess.Popen(command_of(path, store.path), stderr=subprocess.PIPE, text=True)
    await_cells(store, 3, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130
    assert said.splitlines()[-1] == "stopped by Ctrl-C; cells that are done are kept; go on with the same command"
    assert "Traceback" not in said
    assert not list(store.path.rglob(".*.preroll"))
    before = inodes(store)
    assert 3 <= len(before) < 12
    assert run_plan(load(path), "", store, in_this_process).done == 12 - len(before)
    assert before.items() <= inodes(store).items()


def test_a_disk_that_takes_no_more_ends_in_one_line_and_the_same_command_goes_on(
    make_file: MakeFile, tmp_path: Path
) -> None:
    """No file may grow beyond a limit that the plan keeps to and a cell does not: the real error of a real file."""
    store, path = Store(tmp_path / "out"), make_file(seeds=1, agents=["random"])
    done = subprocess.run(command_of(path, store.path), stderr=subprocess.PIPE, text=True, **on_a_full_disk(3500))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "File too large; go on with the same command" in done.stderr
    assert not list(store.path.rglob(".*.preroll"))
    assert run_plan(load(path), "", store, in_this_process).done == 2
