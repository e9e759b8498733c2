"""Many videos on several supervised workers: one that dies or overruns is replaced and costs one video."""

import os
import queue
import shutil
import threading
from collections.abc import Iterator, Sequence
from glob import escape

from preroll.perception.analysis import Analysis
from preroll.perception.detector import Detector
from preroll.perception.supervised import Limits, OverranError, Progress, Task, Worker, WorkerDiedError


class Pool:
    """Analyses many videos on several workers.

    Args:
        detector: what every worker loads.
        workers: number of processes; one per core by default.
        limits: what each may use.
        command: starts a worker; ours by default.
    """

    def __init__(
        self,
        detector: Detector,
        *,
        workers: int | None = None,
        limits: Limits | None = None,
        command: Sequence[str] = (),
    ) -> None:
        self._detector = detector
        self._size = workers or cores()
        self._limits = limits or Limits()
        self._command = command

    def map(self, tasks: Sequence[Task], progress: Progress | None = None) -> Iterator[tuple[int, Analysis]]:
        """Analyses every task and yields its number with the result, in the order in which they finish.

        Args:
            tasks: the videos.
            progress: is called with seconds done and promised of whichever video is at work; of use for one alone.

        Raises:
            PrerollError: where workers cannot start at all.
        """
        todo: queue.SimpleQueue[tuple[int, Task]] = queue.SimpleQueue()
        for item in enumerate(tasks):
            todo.put(item)
        done: queue.SimpleQueue[tuple[int, Analysis] | BaseException] = queue.SimpleQueue()
        shifts = [_Shift(self, todo, done, progress) for _ in range(min(self._size, len(tasks)))]
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

    def new_worker(self) -> Worker:
        """Starts one more worker process."""
        return Worker(self._detector, self._limits, self._command)


class _Shift(threading.Thread):
    """A thread that has one worker at a time and gives it one video after another."""

    def __init__(
        self,
        pool: Pool,
        todo: "queue.SimpleQueue[tuple[int, Task]]",
        done: "queue.SimpleQueue[tuple[int, Analysis] | BaseException]",
        progress: Progress | None,
    ) -> None:
        super().__init__(daemon=True)
        self._pool, self._todo, self._done, self._progress = pool, todo, done, progress
        self._worker: Worker | None = None
        self._ended = False
        self._lock = threading.Lock()

    def run(self) -> None:
        """Works until nothing is left or the shift is ended."""
        try:
            while not self._ended:
                number, task = self._todo.get_nowait()
                self._done.put((number, self._attended(task)))
        except queue.Empty:
            pass
        except BaseException as error:
            self._done.put(error)

    def end(self) -> None:
        """Stops the worker at once and waits for the thread."""
        with self._lock:
            self._ended = True
            if self._worker is not None:
                self._worker.stop()
        if self.ident is not None:
            self.join()

    def _attended(self, task: Task) -> Analysis:
        """One video's analysis, or what became of the worker. A death may have come from outside: it gets two tries."""
        ending = ""
        for _ in range(2):
            worker = self._present_worker()
            try:
                return worker.analyse(task, self._progress)
            except OverranError:
                self._dismiss(task)
                return Analysis("timeout", "it took longer than the time limit")
            except WorkerDiedError as error:
                self._dismiss(task)
                ending = str(error)
        return Analysis("damaged", f"the worker that decoded it died twice ({ending})")

    def _present_worker(self) -> Worker:
        with self._lock:
            if self._ended:
                raise WorkerDiedError("stopped")
            if self._worker is None:
                self._worker = self._pool.new_worker()
            return self._worker

    def _dismiss(self, task: Task) -> None:
        with self._lock:
            if self._worker is not None and not self._ended:
                self._worker.stop()
                self._worker = None
        if task.save_frames is not None:
            # A killed process cannot remove the frames that it had begun to write.
            for part in task.save_frames.parent.glob(f".{escape(task.save_frames.name)}.*.part"):
                shutil.rmtree(part, ignore_errors=True)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
