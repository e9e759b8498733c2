"""Parent-side handle of a worker process, with per-video time limits."""

import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preroll.errors import PrerollError
from preroll.perception.analysis.analysis import Analysis
from preroll.perception.onnx_models.model_file import HasModelCard
from preroll.perception.workers.messages import receive, send, unpack
from preroll.workers.child_process import Child

Progress = Callable[[float, float | None], None]
_START_LIMIT = 120.0
_GRANTED_AHEAD = 60.0


@dataclass(frozen=True)
class VideoJob:
    """One video to analyse.

    Attributes:
        path: the file or the folder of frames.
        save_frames: folder to which its sampled frames are written, if any.
        fast: skip the frames that no other frame refers to.
        overlay: folder to which its frames are written with the objects drawn in, if any.
    """

    path: Path
    save_frames: Path | None = None
    fast: bool = False
    overlay: Path | None = None


@dataclass(frozen=True)
class Limits:
    """Time and memory limits of a worker, beyond which it is killed.

    Attributes:
        seconds: wall-clock time for a video of any length [s].
        seconds_per_second: additional time for each second of the video's declared duration.
        memory: address space of a worker [bytes]; None for no limit.

    Examples:
        >>> from preroll.perception import Limits
        >>> limits = Limits(seconds=30.0, seconds_per_second=5.0)
        >>> limits.allowed(done=0.0, promised=20.0)
        130.0
        >>> limits.allowed(done=0.0, promised=3600.0)  # granted at most 60 s of video ahead
        330.0
        >>> limits.allowed(done=600.0, promised=3600.0)
        3330.0
    """

    seconds: float = 60.0
    seconds_per_second: float = 10.0
    memory: int | None = 2 << 30

    def allowed(self, done: float, promised: float | None) -> float:
        """Returns the wall-clock time since its start that a video may have used [s].

        A file may declare a duration of years, so its time is granted minute by minute, as it is analysed.

        Args:
            done: how much of the video has been analysed [s].
            promised: duration that the file declares [s]; None if it declares none.
        """
        granted = done + _GRANTED_AHEAD
        return self.seconds + self.seconds_per_second * (granted if promised is None else min(promised, granted))


class WorkerDiedError(Exception):
    """Raised when a worker process ends during a task; the message is the exit reason."""


class OverranError(Exception):
    """Raised when a worker exceeds its time limit."""


class Worker:
    """A worker process and the pipe to it."""

    def __init__(self, detector: HasModelCard, limits: Limits, command: Sequence[str] = ()) -> None:
        self._limits = limits
        self._child = Child("preroll.perception.workers.worker", command=command)
        self._answers: queue.SimpleQueue[tuple[dict[str, Any], bytes] | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        try:
            self._reader.start()
            card = detector.card
            first = {"job": card.job, "model": str(detector.model), "card": card.model_dump(), "memory": limits.memory}
            self._say(first)
        except BaseException:
            # No caller has a reference to the process yet.
            self.stop()
            raise
        self._started = False

    def analyse(self, task: VideoJob, progress: Progress | None = None) -> Analysis:
        """Sends one video to the worker and waits for its analysis.

        Raises:
            WorkerDiedError: if the process ended instead.
            OverranError: if it exceeded the time limit.
        """
        self.await_start()
        save, overlay = (one and os.path.abspath(one) for one in (task.save_frames, task.overlay))
        self._say({"path": os.path.abspath(task.path), "save_frames": save, "overlay": overlay, "fast": task.fast})
        began, allowed = time.monotonic(), self._limits.seconds
        while True:
            message, payload = self._next(began + allowed - time.monotonic())
            if message["event"] == "analysis":
                return unpack(message, payload)
            if message["event"] == "broken":
                raise PrerollError(str(message["reason"]), status=1)
            allowed = self._limits.allowed(message["seconds"], message["promised"])
            if progress is not None:
                progress(message["seconds"], message["promised"])

    def stop(self) -> None:
        """Kills the process and releases its resources."""
        self._child.process.kill()
        self._child.process.wait()
        if self._reader.ident is not None:
            self._reader.join()
        self._child.close()

    def await_start(self) -> None:
        """Waits until the process has loaded and tried its network.

        Raises:
            PrerollError: if that fails, with the last line that the process wrote to stderr.
        """
        if self._started:
            return
        try:
            message, _ = self._next(_START_LIMIT)
        except (WorkerDiedError, OverranError) as error:
            raise PrerollError(
                f"a worker process could not start: {error or 'it does not answer'}; {self._child.last_stderr_line()}"
            ) from None
        if message["event"] != "ready":
            raise PrerollError(str(message["reason"]))
        self._started = True

    def _next(self, seconds: float) -> tuple[dict[str, Any], bytes]:
        try:
            answer = self._answers.get(timeout=max(0.0, seconds))
        except queue.Empty:
            raise OverranError from None
        if answer is None:
            raise WorkerDiedError(self._child.exit_reason())
        return answer

    def _say(self, message: dict[str, Any]) -> None:
        # The death of the process is detected when its answer is awaited.
        with suppress(BrokenPipeError):
            send(self._child.requests, message)

    def _read(self) -> None:
        while (message := receive(self._child.answers)) is not None:
            self._answers.put(message)
        self._child.process.kill()
        self._answers.put(None)
