"""Several trainings side by side, each in a worker process of its own."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Any, Self

from preroll.errors import PrerollError

GRACE = 5.0  # seconds that a worker has to clean up


@dataclass(frozen=True)
class Job:
    """One training: arguments of :func:`preroll.simulations.train`, as plain values.

    Attributes:
        agent: its name.
        scenario: preset or file.
        catalog: name or folder.
        sessions: sessions to see.
        seed: of users and agent.
        run: folder to write; an earlier run there is replaced.
        settings: of the agent.
    """

    agent: str
    scenario: str
    catalog: str
    sessions: int
    seed: int
    run: str
    settings: dict[str, Any] = field(default_factory=dict)


def train_all(jobs: Sequence[Job], *, workers: int, advance: Callable[[int], None] = lambda _: None) -> None:
    """Trains every job, the first ones first; results do not depend on the number of workers.

    Args:
        jobs: long ones first, so that the last worker does not end long after the others.
        workers: number of processes.
        advance: is called in this thread with the number of sessions that ended, in any training.

    Raises:
        PrerollError: of the first job that failed; the others are stopped, and leave nothing half-written.
    """
    todo: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        todo.put(job)
    news: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    with _Crew(min(workers, len(jobs)), todo, news):
        done = 0
        while done < len(jobs):
            message = news.get()
            if "error" in message:
                raise PrerollError(message["error"], status=message["status"])
            done += "done" in message
            advance(message.get("advance", 0))


class _Crew:
    """Worker processes, each with a thread that gives it jobs and passes on what it says."""

    def __init__(self, size: int, todo: "queue.SimpleQueue[Job]", news: "queue.SimpleQueue[dict[str, Any]]") -> None:
        self._todo, self._news = todo, news
        self._errors = [tempfile.TemporaryFile() for _ in range(size)]  # noqa: SIM115  (closed by __exit__)
        self._processes = [_start(errors) for errors in self._errors]
        self._threads = [threading.Thread(target=self._attend, args=(i,), daemon=True) for i in range(size)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
        for thread in self._threads:
            thread.join()
        for process, errors in zip(self._processes, self._errors, strict=True):
            process.communicate()
            errors.close()

    def _attend(self, i: int) -> None:
        process = self._processes[i]
        assert process.stdin is not None
        assert process.stdout is not None
        while True:
            try:
                job = self._todo.get_nowait()
            except queue.Empty:
                return
            try:
                process.stdin.write(json.dumps(asdict(job)) + "\n")
                process.stdin.flush()
            except OSError:  # it died; its output has ended
                pass
            for line in process.stdout:
                message = json.loads(line)
                self._news.put(message)
                if "advance" not in message:
                    break
            else:
                self._news.put({"error": f"training {job.agent}: {self._ending(i)}", "status": 1})
                return

    def _ending(self, i: int) -> str:
        """How a worker died, and the last thing that it said."""
        code = self._processes[i].wait()
        how = f"exit status {code}" if code >= 0 else signal.Signals(-code).name
        self._errors[i].seek(0)
        lines = self._errors[i].read().decode(errors="replace").strip().splitlines()
        return f"its process died ({how}); {lines[-1] if lines else 'it said nothing'}"


def _start(errors: Any) -> "subprocess.Popen[str]":
    """Starts a worker that imports what this process imports and whose libraries start no threads."""
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    path = os.pathsep.join(part or os.getcwd() for part in sys.path)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "preroll.simulations.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        encoding="utf8",
        env={**os.environ, **single, "PYTHONPATH": path},
    )
