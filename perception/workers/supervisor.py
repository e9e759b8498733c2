"""Supervision of one worker process: feeds it videos and restarts it after a crash or timeout."""

import shutil
import threading
from collections.abc import Sequence
from glob import escape
from pathlib import Path

from preroll.perception.analysis.analysis import Analysis
from preroll.perception.onnx_models.model_file import HasModelCard
from preroll.perception.workers.process import Limits, OverranError, Progress, VideoJob, Worker, WorkerDiedError


class Supervisor:
    """Supervises one worker process: feeds it videos and restarts it after a crash or timeout.

    It is used by one thread, and may be stopped by any.

    Args:
        detector: the network that the worker loads.
        limits: time and memory limits of the worker.
        command: command line that starts a worker; that of :mod:`preroll.perception.workers.worker` by default.
    """

    def __init__(self, detector: HasModelCard, limits: Limits | None = None, command: Sequence[str] = ()) -> None:
        self._detector = detector
        self._limits = limits or Limits()
        self._command = command
        self._worker: Worker | None = None
        self._stopped = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Starts a worker and waits until it has loaded and tried its network.

        Raises:
            PrerollError: if that fails.
        """
        self._present_worker().await_start()

    def run(self, task: VideoJob, progress: Progress | None = None) -> Analysis:
        """Returns the analysis of one video; a timeout or repeated crash of the worker becomes its status.

        A crash may have an external cause, so the video is tried twice.
        """
        ending = ""
        for _ in range(2):
            worker = self._present_worker()
            try:
                return worker.analyse(task, progress)
            except OverranError:
                self._dismiss(task)
                return Analysis("timeout", "it took longer than the time limit")
            except WorkerDiedError as error:
                self._dismiss(task)
                ending = str(error)
        return Analysis("damaged", f"the worker that decoded it died twice ({ending})")

    def stop(self) -> None:
        """Kills the worker and prevents further starts."""
        with self._lock:
            self._stopped = True
            if self._worker is not None:
                self._worker.stop()

    def _present_worker(self) -> Worker:
        with self._lock:
            if self._stopped:
                raise WorkerDiedError("stopped")
            if self._worker is None:
                self._worker = Worker(self._detector, self._limits, self._command)
            return self._worker

    def _dismiss(self, task: VideoJob) -> None:
        with self._lock:
            if self._worker is not None and not self._stopped:
                self._worker.stop()
                self._worker = None
        for folder in (task.save_frames, task.overlay):
            if folder is not None:
                remove_parts(folder)


def remove_parts(folder: Path) -> None:
    """Removes the partial output that a killed process left beside ``folder``."""
    for part in folder.parent.glob(f".{escape(folder.name)}.*.part"):
        shutil.rmtree(part, ignore_errors=True)
