"""Worker processes: what they answer, how they end, and that none is left behind in any way their parent can go."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from preroll.errors import PrerollError
from preroll.workers import process as processes
from preroll.workers.job import UNLIMITED, Job, JobOutcome, Limits, Request
from preroll.workers.messages import receive, send
from preroll.workers.pool import Pool
from preroll.workers.process import WorkerDiedError, WorkerProcess
from preroll.workers.supervisor import Supervisor
from tests.workers.in_this_process import in_this_process

OBEY = Job("tests.workers.jobs:obey", grace=0.0)
TIDY = Job("tests.workers.jobs:obey", grace=5.0)


def outcomes(requests: Sequence[Request], job: Job = OBEY, **settings: Any) -> list[JobOutcome]:
    """The outcomes in the order of the requests."""
    return sorted(Pool(job, **{"workers": 1, **settings}).map(requests), key=lambda one: one.number)


def test_every_request_is_answered_whatever_the_number_of_workers() -> None:
    for workers in (1, 2):
        found = outcomes([{"do": "print", "bytes": str(i)} for i in range(6)], workers=workers)
        assert [(one.error, one.payload) for one in found] == [(None, str(i).encode()) for i in range(6)]


def test_a_job_is_opened_once_with_its_arguments() -> None:
    (one,) = outcomes([{"a": 1}], Job("tests.workers.jobs:opened", {"greeting": "hello"}))
    assert one.message == {"greeting": "hello", "a": 1}


def test_a_job_that_cannot_be_opened_ends_the_work() -> None:
    refused = Pool(Job("tests.workers.jobs:opened", {"greeting": "no"}), workers=2)
    with pytest.raises(PrerollError, match="the network cannot be loaded"):
        list(refused.map([{}, {}]))
    with pytest.raises(PrerollError, match="the network cannot be loaded"):
        refused.check()
    with pytest.raises(PrerollError, match="could not start: exit status 1; out of luck"):
        Pool(Job("", command=[sys.executable, "-c", "import sys; sys.exit('out of luck')"])).check()


def test_a_worker_that_dies_costs_one_request_and_its_end_is_told() -> None:
    died, answered = outcomes([{"do": "die"}, {"do": "print"}])
    assert (died.reason, died.error) == ("died", "SIGKILL")
    assert answered.error is None
    crashed, answered = outcomes([{"do": "crash"}, {"do": "print"}], TIDY)
    assert (crashed.reason, crashed.error, crashed.said) == ("died", "exit status 1", "RuntimeError: no such luck")
    assert answered.error is None


def test_a_request_is_tried_again_where_its_process_died(tmp_path: Path) -> None:
    request = {"do": "once", "place": str(tmp_path / "tried")}
    assert [one.error for one in outcomes([request], tries=2)] == [None]
    (tmp_path / "tried").unlink()
    assert [one.error for one in outcomes([request], tries=1)] == ["SIGKILL"]


def test_a_worker_that_overruns_is_killed_and_the_next_request_gets_a_new_one() -> None:
    limited = Job("tests.workers.jobs:obey", limits=Limits(seconds=1.0, seconds_per_second=0.0, memory=None), grace=0.0)
    first, late, second, third = outcomes([{"do": what} for what in ("print", "sleep", "print", "print")], limited)
    assert late.reason == "timeout"
    assert first.message is not None
    assert second.message is not None
    assert third.message is not None
    assert first.message["pid"] != second.message["pid"] == third.message["pid"]


def test_a_hang_is_told_from_slowness_by_cpu_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STALLED", 2.0)
    monkeypatch.setattr(processes, "_LOOK_EVERY", 0.1)
    hung, slow = outcomes([{"do": "sleep"}, {"do": "spin", "seconds": 2.5}])
    assert hung.reason == "timeout"
    assert slow.error is None


def test_a_worker_that_hangs_while_it_opens_its_job_is_given_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(processes, "STALLED", 3.0)
    os.mkfifo(tmp_path / "never")
    job = Job("tests.workers.jobs:opened", {"greeting": "hang", "place": str(tmp_path / "never")}, grace=0.0)
    with pytest.raises(PrerollError, match="could not start: it does not answer"):
        Pool(job, workers=1).check()


def test_a_worker_that_talks_nonsense_is_killed() -> None:
    nonsense, answered = outcomes([{"do": "babble"}, {"do": "print"}])
    assert (nonsense.reason, answered.error) == ("died", None)


def test_a_refusal_is_an_error_with_its_status_and_a_full_disk_is_final() -> None:
    refused, full, write = outcomes([{"do": "refuse"}, {"do": "full"}, {"do": "write"}], tries=3)
    assert (refused.error, refused.status, refused.final) == ("it is refused", 2, False)
    assert (full.error, full.status, full.final) == ("the disk is full", 1, True)
    assert (write.error, write.status, write.final) == ("a.npy: No space left on device", 1, True)


def test_workers_without_processes_answer_as_processes_do() -> None:
    """Those of tests about the work itself."""
    requests: list[Request] = [
        {"do": "print", "bytes": "a", "list": (1, 2)},
        {"do": "refuse"},
        {"do": "full"},
        {"do": "write"},
    ]
    there = outcomes(requests)
    with in_this_process():
        here = outcomes(requests)
        assert here[0].message == {"told": "print", "pid": os.getpid()}
        with pytest.raises(PrerollError, match="the network cannot be loaded"):
            Pool(Job("tests.workers.jobs:opened", {"greeting": "no"})).check()
    assert [replace(one, message=None) for one in here] == [replace(one, message=None) for one in there]
    assert there[0].message != here[0].message


def test_progress_ends_at_what_was_done() -> None:
    told: list[tuple[int, float, float | None]] = []
    list(Pool(OBEY, workers=1).map([{"do": "work", "steps": 1000}], lambda *one: told.append(one)))
    assert told[-1] == (0, 1000, 1000)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space of a process")
def test_memory_beyond_the_limit_is_not_given() -> None:
    limited = Job("tests.workers.jobs:obey", limits=Limits(memory=2 << 30), grace=0.0)
    less, more = outcomes([{"do": "allocate", "size": 1 << 20}, {"do": "allocate", "size": 4 << 30}], limited)
    assert less.error is None
    assert (more.reason, more.said) == ("died", "MemoryError")


def test_leaving_early_ends_the_workers_with_time_to_tidy_up(tmp_path: Path) -> None:
    place = tmp_path / "half"
    running = Pool(TIDY, workers=2).map([{"do": "print"}, {"do": "tidy", "place": str(place)}])
    first = next(running)
    while not place.exists():
        time.sleep(0.01)
    running.close()
    assert first.message is not None
    with pytest.raises(ProcessLookupError):
        os.kill(first.message["pid"], 0)
    assert not place.exists()


def test_a_worker_that_nothing_comes_for_ends_with_its_pool() -> None:
    pool = Pool(OBEY, workers=1)
    pool.check()
    first = pool._first
    assert first is not None
    pool.close()
    with pytest.raises(WorkerDiedError, match="stopped"):
        first.start()
    assert [one.error for one in pool.map([{"do": "print"}])] == [None]


def test_what_a_lost_worker_had_begun_is_told() -> None:
    lost: list[Request] = []
    supervisor = Supervisor(OBEY, lost.append)
    supervisor.run({"do": "die"})
    supervisor.stop()
    assert lost == [{"do": "die"}]


def test_a_worker_ends_when_its_parent_is_gone(tmp_path: Path) -> None:
    for job in (OBEY, TIDY):
        worker = WorkerProcess(job)
        worker._requests.close()
        assert worker._process.wait(timeout=600) in (0, 143)
        worker.kill()


def test_a_worker_ends_when_its_parent_goes_while_the_job_is_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "never")
    for grace in (0.0, 1.0):
        job = Job("tests.workers.jobs:opened", {"greeting": "hang", "place": str(tmp_path / "never")}, grace=grace)
        worker = WorkerProcess(job)
        worker._requests.close()
        try:
            assert worker._process.wait(timeout=600) in (0, 143)
        finally:
            worker.kill()


def test_a_worker_tidies_up_when_nobody_listens_any_more(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "preroll.workers.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(part or os.getcwd() for part in sys.path)},
    )
    assert child.stdin is not None
    assert child.stdout is not None
    place = tmp_path / "half"
    send(child.stdin, {"job": TIDY.function, "arguments": None, "memory": None, "grace": 60.0})
    assert receive(child.stdout) == ({"event": "ready"}, b"")
    send(child.stdin, {"do": "tidy", "place": str(place)})
    assert receive(child.stdout) == ({"event": "progress", "done": 0, "promised": None}, b"")
    assert place.exists()
    child.stdout.close()
    child.stdin.close()
    child.wait(timeout=600)
    assert not place.exists()


def test_a_worker_that_cannot_be_attended_to_is_not_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    class Recorded(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **settings: Any) -> None:
            super().__init__(*args, **settings)
            started.append(self)

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    started: list[Recorded] = []
    monkeypatch.setattr(subprocess, "Popen", Recorded)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="new thread"):
        WorkerProcess(OBEY)
    assert [one.returncode for one in started] == [-signal.SIGKILL]


def test_time_is_granted_minute_by_minute() -> None:
    assert UNLIMITED.allowed(1e9, None) == float("inf")
    assert Limits(seconds=10, seconds_per_second=2).allowed(0, None) == 130
