"""Many requests on several supervised workers of this machine."""

import queue
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Protocol

from preroll.system.memory import say_once, usable_workers
from preroll.workers.job import Job, JobOutcome, Request
from preroll.workers.process import WorkerDiedError
from preroll.workers.supervisor import Supervisor

Outcomes = Generator[JobOutcome, None, None]
#: Called with the number of a request, and with the amounts done and promised (None: not known); 0 done where it is
#: tried again.
Reported = Callable[[int, float, float | None], None]


class WorkerPool(Protocol):
    """Where requests are done: on this machine, or on many."""

    def check(self) -> None:
        """Starts one worker, so that a job that cannot be opened is known before the work begins."""

    def map(self, requests: Sequence[Request], progress: Reported | None = None) -> Outcomes:
        """Yields how each request ended, in the order in which they end."""

    def close(self) -> None:
        """Ends the worker that :meth:`check` started, where no :meth:`map` has come to use it."""


class Pool:
    """Worker processes on this machine, each with a thread that sends it requests.

    Args:
        job: what every worker runs.
        workers: number of processes; by default one per core that this process may use, as far as memory goes.
        tries: how often a request is tried where the job refuses it or its process dies.
        lost: is called with a request whose worker was killed or died, to remove what it had begun to write.

    Raises:
        PrerollError: there is not memory enough for one worker.
    """

    def __init__(
        self,
        job: Job,
        *,
        workers: int | None = None,
        tries: int = 1,
        lost: Callable[[Request], None] = lambda _: None,
    ) -> None:
        self._job, self.size, self._tries, self._lost = job, usable_workers(workers, job.need), tries, lost
        if job.limits.memory and sys.platform != "linux":
            say_once("the memory of workers is not limited: this system has no such limit")
        self._first: Supervisor | None = None

    def check(self) -> None:
        """Starts one worker, which the next :meth:`map` uses.

        Raises:
            PrerollError: the job cannot be opened.
        """
        self._first = self._first or Supervisor(self._job, self._lost)
        try:
            self._first.start()
        except BaseException:
            self.close()
            raise

    def map(self, requests: Sequence[Request], progress: Reported | None = None) -> Outcomes:
        """Yields how each request ended, in the order in which they end. Closing the iterator stops all workers.

        Args:
            requests: what the job understands; long ones first, so that the last worker does not end long after the
                others.
            progress: is called in this thread.

        Raises:
            PrerollError: workers cannot open the job at all.
        """
        todo: queue.SimpleQueue[tuple[int, Request]] = queue.SimpleQueue()
        for item in enumerate(requests):
            todo.put(item)
        messages: queue.SimpleQueue[JobOutcome | BaseException | tuple[int, float, float | None]] = queue.SimpleQueue()
        first, self._first = self._first or Supervisor(self._job, self._lost), None
        others = [Supervisor(self._job, self._lost) for _ in range(min(self.size, len(requests)) - 1)]
        threads = [_WorkerThread(one, todo, messages, self._tries) for one in (first, *others)]
        try:
            for thread in threads:
                thread.start()
            ended = 0
            while ended < len(requests):
                message = messages.get()
                if isinstance(message, BaseException):
                    raise message
                if isinstance(message, JobOutcome):
                    ended += 1
                    yield message
                elif progress is not None:
                    progress(*message)
        finally:
            for thread in threads:
                thread.ask_to_end()
            for thread in threads:
                thread.end()

    def close(self) -> None:
        """Ends the worker that :meth:`check` started, where no :meth:`map` has come to use it."""
        if self._first is not None:
            self._first.stop()
            self._first = None


class _WorkerThread(threading.Thread):
    """A thread that passes requests to its supervisor, one after another."""

    def __init__(
        self,
        supervisor: Supervisor,
        todo: "queue.SimpleQueue[tuple[int, Request]]",
        messages: "queue.SimpleQueue[JobOutcome | BaseException | tuple[int, float, float | None]]",
        tries: int,
    ) -> None:
        super().__init__(daemon=True)
        self._supervisor, self._todo, self._messages, self._tries = supervisor, todo, messages, tries
        self._ended = False

    def run(self) -> None:
        """Works until no request is left or the pool ends."""
        try:
            while not self._ended:
                number, request = self._todo.get_nowait()
                self._messages.put(replace(self._outcome(number, request), number=number))
        except queue.Empty:
            pass
        except BaseException as error:
            self._messages.put(error)

    def _outcome(self, number: int, request: Request) -> JobOutcome:
        """Returns the answer of one of the tries, or the last error; what took too long is not tried again."""
        for _ in range(self._tries):
            try:
                outcome = self._supervisor.run(request, lambda *seconds: self._messages.put((number, *seconds)))
            except WorkerDiedError as stopped:  # the pool ends
                return JobOutcome(error=str(stopped), reason="died")
            if outcome.error is None:
                break
            self._messages.put((number, 0.0, None))
            if outcome.final or outcome.reason == "timeout" or self._ended:
                break
        return outcome

    def ask_to_end(self) -> None:
        """Asks the worker to end."""
        self._ended = True
        self._supervisor.terminate()

    def end(self) -> None:
        """Ends the worker and waits for the thread."""
        self._supervisor.stop()
        if self.ident is not None:
            self.join()
