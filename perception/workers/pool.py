"""Analysis of many videos with several supervised workers on this machine."""

import os
import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Protocol

from preroll.perception.analysis.analysis import Analysis
from preroll.perception.onnx_models.model_file import HasModelCard
from preroll.perception.workers.process import Limits, Progress, VideoJob
from preroll.perception.workers.supervisor import Supervisor


class WorkerEngine(Protocol):
    """Protocol of the engines that analyse videos, on this machine or on a cluster."""

    def check(self) -> None:
        """Starts one worker, so that an unusable network is reported before the work begins."""

    def map(self, tasks: Sequence[VideoJob], progress: Progress | None = None) -> Iterator[tuple[int, Analysis]]:
        """Analyses every task and yields its index with the result, in order of completion."""

    def close(self) -> None:
        """Stops the worker that :meth:`check` started, if no :meth:`map` has used it."""


class Pool:
    """Pool of supervised workers that analyse many videos on this machine.

    Args:
        detector: the network that every worker loads.
        workers: number of processes; one per core by default.
        limits: time and memory limits of each worker.
        command: command line that starts a worker; that of :mod:`preroll.perception.workers.worker` by default.
    """

    def __init__(
        self,
        detector: HasModelCard,
        *,
        workers: int | None = None,
        limits: Limits | None = None,
        command: Sequence[str] = (),
    ) -> None:
        self._detector = detector
        self._size = workers or cores()
        self._limits = limits
        self._command = command
        self._first: Supervisor | None = None

    def check(self) -> None:
        """Starts one worker, which the next :meth:`map` uses.

        Raises:
            PrerollError: if the network cannot be loaded, or does not match its card.
        """
        self._first = self._first or self._supervisor()
        try:
            self._first.start()
        except BaseException:
            self.close()
            raise

    def map(self, tasks: Sequence[VideoJob], progress: Progress | None = None) -> Iterator[tuple[int, Analysis]]:
        """Analyses every task and yields its index with the result, in order of completion.

        Args:
            tasks: the videos.
            progress: called with the seconds done and the declared duration of any video in progress, so that it is
                only useful for a single task.

        Raises:
            PrerollError: if workers cannot start at all.
        """
        todo: queue.SimpleQueue[tuple[int, VideoJob]] = queue.SimpleQueue()
        for item in enumerate(tasks):
            todo.put(item)
        done: queue.SimpleQueue[tuple[int, Analysis] | BaseException] = queue.SimpleQueue()
        first, self._first = self._first or self._supervisor(), None
        others = [self._supervisor() for _ in range(min(self._size, len(tasks)) - 1)]
        shifts = [_WorkerThread(one, todo, done, progress) for one in (first, *others)]
        try:
            for shift in shifts:
                shift.start()
            for _ in tasks:
                result = done.get()
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            for shift in shifts:
                shift.end()

    def close(self) -> None:
        """Stops the worker that :meth:`check` started, if no :meth:`map` has used it."""
        if self._first is not None:
            self._first.stop()
            self._first = None

    def _supervisor(self) -> Supervisor:
        return Supervisor(self._detector, self._limits, self._command)


class _WorkerThread(threading.Thread):
    """A thread that passes one video after another to its supervisor."""

    def __init__(
        self,
        supervisor: Supervisor,
        todo: "queue.SimpleQueue[tuple[int, VideoJob]]",
        done: "queue.SimpleQueue[tuple[int, Analysis] | BaseException]",
        progress: Progress | None,
    ) -> None:
        super().__init__(daemon=True)
        self._supervisor, self._todo, self._done, self._progress = supervisor, todo, done, progress
        self._ended = False

    def run(self) -> None:
        """Runs tasks until none is left or :meth:`end` is called."""
        try:
            while not self._ended:
                number, task = self._todo.get_nowait()
                self._done.put((number, self._supervisor.run(task, self._progress)))
        except queue.Empty:
            pass
        except BaseException as error:
            self._done.put(error)

    def end(self) -> None:
        """Stops the worker immediately and waits for the thread."""
        self._ended = True
        self._supervisor.stop()
        if self.ident is not None:
            self.join()


def try_in_worker(detector: HasModelCard) -> None:
    """Loads and runs a network once in a worker with limits, before it is loaded in this process.

    Raises:
        PrerollError: if it needs too much memory, or does not match its card.
    """
    with closing(Pool(detector, workers=1)) as pool:
        pool.check()


def cores() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
