"""Supervision of one worker process: requests are sent to it, and a crash, hang or timeout gets a new process."""

import threading
from collections.abc import Callable
from dataclasses import replace

from preroll.workers.job import Job, JobOutcome, Progress, Request
from preroll.workers.process import OverranError, WorkerDiedError, WorkerProcess


class Supervisor:
    """Owner of one worker process at a time; used by one thread, stopped by any.

    Args:
        job: what the worker runs.
        lost: is called with the request whose worker was killed or died, to remove what it had begun to write.
    """

    def __init__(self, job: Job, lost: Callable[[Request], None] = lambda _: None) -> None:
        self._job = job
        self._lost = lost
        self._worker: WorkerProcess | None = None
        self._stopped = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Starts a worker and waits until it has opened the job.

        Raises:
            PrerollError: it cannot.
        """
        self._present_worker().start()

    def run(self, request: Request, progress: Progress | None = None) -> JobOutcome:
        """Sends a request once, and returns its answer or the error of the worker.

        Raises:
            PrerollError: workers cannot open the job at all.
        """
        worker = self._present_worker()
        try:
            message, payload = worker.run(request, progress)
        except OverranError:
            self._dismiss(request)
            return JobOutcome(error="it took longer than the time limit, or hangs", reason="timeout")
        except WorkerDiedError:
            with self._lock:  # its stderr is closed where the pool ends
                death, said = ("stopped", "") if self._stopped else worker.death()
            self._dismiss(request)
            return JobOutcome(error=death, said=said, reason="died")
        if message["event"] == "answer":
            return JobOutcome(message=message["message"], payload=payload)
        refused = JobOutcome(error=str(message["reason"]), reason="error")
        return replace(refused, status=message["status"], final=message["final"])

    def terminate(self) -> None:
        """Asks the worker to end; none is started again."""
        with self._lock:
            self._stopped = True
            if self._worker is not None:
                self._worker.terminate()

    def stop(self) -> None:
        """Ends the worker; none is started again."""
        with self._lock:
            self._stopped = True
            if self._worker is not None:
                self._worker.stop()

    def _present_worker(self) -> WorkerProcess:
        with self._lock:
            if self._stopped:
                raise WorkerDiedError("stopped")
            if self._worker is None:
                self._worker = WorkerProcess(self._job)
            return self._worker

    def _dismiss(self, request: Request) -> None:
        with self._lock:
            if self._worker is not None and not self._stopped:
                self._worker.kill()
                self._worker = None
        self._lost(request)
