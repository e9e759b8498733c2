"""Parent-side handle of a worker process: starts it, sends requests, detects hangs, and kills it."""

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from preroll.cache import SILENT
from preroll.errors import PrerollError
from preroll.workers.job import Job, Progress, Request
from preroll.workers.messages import receive, send

#: A worker that neither reports progress nor uses CPU time for so many seconds hangs: one that is slow uses some.
STALLED = 120.0
# How often the CPU time of a silent worker is looked at [s].
_LOOK_EVERY = 1.0


class WorkerDiedError(Exception):
    """A worker ended in the middle of its work; the message says how."""


class OverranError(Exception):
    """A worker used up its time, or hangs."""


class WorkerProcess:
    """One worker process and the pipe to it.

    Args:
        job: what it runs.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed by kill)
        self._process = subprocess.Popen(
            job.command or [sys.executable, "-P", "-m", "preroll.workers.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=_environment(),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._replies = self._process.stdin, self._process.stdout
        self._answers: queue.SimpleQueue[tuple[dict[str, Any], bytes] | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._started = False
        try:
            self._reader.start()
            memory, grace = job.limits.memory, job.grace
            arguments = None if job.arguments is None else dict(job.arguments)
            self._say({"job": job.function, "arguments": arguments, "memory": memory, "grace": grace})
        except BaseException:
            # Nobody else knows of the process yet.
            self.kill()
            raise

    def start(self) -> None:
        """Waits until the process has opened its job.

        Raises:
            PrerollError: the job refused, or the process ended, with the last line that it wrote to stderr.
        """
        try:
            self._open()
        except WorkerDiedError as error:
            raise self._no_start(str(error)) from None

    def _open(self) -> None:
        """Waits as :meth:`start` does, but lets a process that was killed count as one that died."""
        if self._started:
            return
        try:
            message, _ = self._next(float("inf"), cpu_limit=self._job.opening)
        except OverranError:
            late = f"it does not answer; at most {self._job.opening:.0f} s of computing are given to it"
            raise self._no_start(late) from None
        except WorkerDiedError as error:
            if self._process.returncode < 0:
                raise
            raise self._no_start(str(error)) from None
        if message["event"] != "ready":
            raise PrerollError(str(message["reason"]))
        self._started = True

    def _no_start(self, why: str) -> PrerollError:
        for_what = f"{self._job.name}: " if self._job.name else ""
        return PrerollError(f"{for_what}a worker process could not start: {why}; {self._last_stderr_line()}")

    def run(self, request: Request, progress: Progress | None = None) -> tuple[dict[str, Any], bytes]:
        """Returns the message ``answer`` or ``error`` that ends a request, and the bytes beside it.

        Raises:
            PrerollError: the job cannot be opened.
            WorkerDiedError: the process ended instead.
            OverranError: it took longer than the limits allow, or hangs.
        """
        self._open()
        self._say(request)
        began, allowed = time.monotonic(), self._job.limits.seconds
        while True:
            message, payload = self._next(began + allowed)
            if message["event"] != "progress":
                return message, payload
            done, promised = message["done"], message["promised"]
            allowed = self._job.limits.allowed(done, promised)
            if progress is not None:
                progress(done, promised)

    def death(self) -> tuple[str, str]:
        """Returns how a process that died ended, and the last line that it wrote to stderr."""
        return self._exit_reason(), self._last_stderr_line()

    def terminate(self) -> None:
        """Asks the process to end, or kills it where its job has nothing to tidy up."""
        if self._job.grace:
            self._process.terminate()
        else:
            end_at_once(self._process)

    def stop(self) -> None:
        """Ends the process, with time to tidy up, and frees what belongs to it."""
        self.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(self._job.grace or None)
        self.kill()

    def kill(self) -> None:
        """Kills the process, whatever it does, and frees what belongs to it."""
        end_at_once(self._process)
        self._process.wait()
        if self._reader.ident is not None:
            self._reader.join()
        for pipe in (self._requests, self._replies):
            with suppress(OSError):  # a message that could not be delivered is lost with the process
                pipe.close()
        self._errors.close()

    def _exit_reason(self) -> str:
        """Waits for the end of the process; returns its exit status, or the signal that ended it, as text."""
        code = self._process.wait()
        if code >= 0:
            return f"exit status {code}"
        with suppress(ValueError):
            return signal.Signals(-code).name
        return f"signal {-code}"

    def _last_stderr_line(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def _next(self, deadline: float, cpu_limit: float = float("inf")) -> tuple[dict[str, Any], bytes]:
        """Returns the next message; a worker without progress and CPU time hangs, however slow the machine is."""
        used, alive = cpu_seconds(self._process.pid), time.monotonic()
        while True:
            now = time.monotonic()
            try:
                answer = self._answers.get(timeout=max(0.0, min(_LOOK_EVERY, deadline - now)))
            except queue.Empty:
                now, before = time.monotonic(), used
                used = cpu_seconds(self._process.pid)
                if used is None or used != before:
                    alive = now
                if now >= deadline or now - alive >= STALLED or (used or 0.0) > cpu_limit:
                    raise OverranError from None
                continue
            if answer is None:
                raise WorkerDiedError(self._exit_reason())
            return answer

    def _say(self, message: dict[str, Any]) -> None:
        # A process that has just died is noticed where its answer is awaited.
        with suppress(BrokenPipeError):
            send(self._requests, message)

    def _read(self) -> None:
        while (message := receive(self._replies)) is not None:
            self._answers.put(message)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(self._job.grace)
        end_at_once(self._process)
        self._answers.put(None)


def end_at_once(process: "subprocess.Popen[bytes]") -> None:
    """Kills a process that has not ended, in the way that the system has."""
    if process.poll() is None:
        (process.kill if hasattr(signal, "SIGKILL") else process.terminate)()


def _environment() -> dict[str, str]:
    # One thread each: there are as many workers as cores.
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {
        **os.environ,
        **single,
        SILENT: "1",
        "PYTHONPATH": os.pathsep.join(part or os.getcwd() for part in sys.path),
    }


def cpu_seconds(pid: int) -> float | None:
    """Returns the CPU time of a process and of its finished children [s]; None where the system does not show it."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace").rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError):
        return None
