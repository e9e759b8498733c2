"""Pool of supervised worker processes; a worker that dies is replaced."""

import queue
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

from preroll.errors import PrerollError
from preroll.simulations.workers.process import WorkerProcess

Request = Mapping[str, Any]
Advance = Callable[[int, int], None]

TRAIN = "preroll.simulations.training.training:train_job"


@dataclass(frozen=True)
class Job:
    """One training: arguments of :func:`preroll.simulations.train`, as plain values.

    Attributes:
        agent: name of the agent.
        scenario: preset or file.
        catalog: name or folder.
        sessions: sessions to see.
        seed: seed of users and agent.
        run: folder to write; an existing run is replaced.
        settings: settings of the agent.
    """

    agent: str
    scenario: str
    catalog: str
    sessions: int
    seed: int
    run: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class JobOutcome:
    """Outcome of a job.

    Attributes:
        number: number of the request.
        error: error of the last attempt; None on success.
        status: exit status that belongs to the error.
        full: whether every other job would fail as well: the disk is full or not writable.
    """

    number: int
    error: str | None = None
    status: int = 1
    full: bool = False


Outcomes = Generator[JobOutcome, None, None]


def train_all(jobs: Sequence[Job], *, workers: int, advance: Callable[[int], None] = lambda _: None) -> None:
    """Runs all trainings, in order; results do not depend on the number of workers.

    Args:
        jobs: trainings, the longest first, so that the last worker does not end long after the others.
        workers: number of processes.
        advance: called in this thread with the number of sessions that ended, in any training.

    Raises:
        PrerollError: error of the first job that failed; the others are stopped and leave no partial files.
    """
    requests = [{"job": TRAIN, **asdict(job)} for job in jobs]
    outcomes = work(requests, workers=workers, advance=lambda _, sessions: advance(sessions))
    with closing(outcomes):
        for outcome in outcomes:
            if outcome.error is not None:
                said = outcome.error
                died = said.startswith("its process died")
                raise PrerollError(
                    f"training {jobs[outcome.number].agent}: {said}" if died else said, status=outcome.status
                )


def work(requests: Sequence[Request], *, workers: int, tries: int = 1, advance: Advance = lambda *_: None) -> Outcomes:
    """Runs every request in worker processes.

    Closing the iterator stops all workers, which leave no partial files.

    Args:
        requests: requests as specified in :mod:`preroll.simulations.workers.worker`, the longest first.
        workers: number of processes.
        tries: number of attempts per job, if it fails or its process dies.
        advance: called in this thread with a request's number and the number of sessions that ended; the number is
            negative if an attempt failed and its sessions are to be repeated.

    Yields:
        The outcome of every request, in order of completion.
    """
    pool = _ProcessPool(min(workers, len(requests)), requests, tries)
    try:
        ended = 0
        while ended < len(requests):
            messages = pool.messages.get()
            if isinstance(messages, JobOutcome):
                ended += 1
                yield messages
            else:
                advance(*messages)
    finally:
        pool.stop()


class _ProcessPool:
    """Worker processes, each with a thread that feeds it jobs and forwards its messages."""

    def __init__(self, size: int, requests: Sequence[Request], tries: int) -> None:
        self.messages: queue.SimpleQueue[JobOutcome | tuple[int, int]] = queue.SimpleQueue()
        self._todo: queue.SimpleQueue[tuple[int, Request]] = queue.SimpleQueue()
        for item in enumerate(requests):
            self._todo.put(item)
        self._tries = tries
        self._stopped = False
        self._lock = threading.Lock()
        self._processes = [WorkerProcess() for _ in range(size)]
        self._threads = [threading.Thread(target=self._attend, args=(i,), daemon=True) for i in range(size)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends all processes and threads."""
        with self._lock:
            self._stopped = True
            for process in self._processes:
                process.process.terminate()
        for process in self._processes:
            process.wait_or_kill()
        for thread in self._threads:
            thread.join()
        for process in self._processes:
            process.close()

    def _attend(self, i: int) -> None:
        while not self._stopped:
            try:
                number, request = self._todo.get_nowait()
            except queue.Empty:
                return
            for _ in range(self._tries):
                outcome = self._try(i, number, request)
                if outcome.error is None or outcome.full or self._stopped:
                    break
            self.messages.put(outcome)

    def _try(self, i: int, number: int, request: Request) -> JobOutcome:
        """Makes one attempt at a request; a process that has died is replaced first."""
        self._replace_if_dead(i)
        process, done = self._processes[i], 0
        process.send(request)
        for message in process.receive():
            if "advance" in message:
                done += message["advance"]
                self.messages.put((number, message["advance"]))
            elif "error" in message:
                self.messages.put((number, -done))
                return JobOutcome(number, message["error"], message["status"], message.get("full", False))
            else:
                return JobOutcome(number)
        self.messages.put((number, -done))
        return JobOutcome(number, f"its process died ({process.exit_reason()}); {process.last_stderr_line()}")

    def _replace_if_dead(self, i: int) -> None:
        with self._lock:
            if self._processes[i].ended and not self._stopped:
                self._processes[i].close()
                self._processes[i] = WorkerProcess()
