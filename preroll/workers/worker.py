"""A worker process: ``python -m preroll.workers.worker`` opens one job and serves requests over its pipes.

The first message names the job; the answer is ``ready``, or ``error`` where it cannot be opened. Each request is
answered by any number of ``progress`` messages and one ``answer`` or ``error``. Work may run on data from anywhere:
whatever crashes, hangs or eats all memory takes this process with it and nothing else.
"""

import errno
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from types import FrameType
from typing import IO, Any

from preroll.console import signals, write_errors
from preroll.console.spoken import to_command_line
from preroll.errors import PrerollError
from preroll.system.memory import shortage
from preroll.workers.job import FinalError, Request, Work
from preroll.workers.messages import receive, send

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
# A progress report is sent after so many seconds at the earliest.
_REPORT_EVERY = 0.2


def main() -> None:
    """Opens the job and serves requests until the parent closes its end of the pipe."""
    to_command_line()  # what the parent shows as its own, it translates
    # Ctrl-C and the end of a terminal reach all its processes: the parent decides, and ends this one by SIGTERM.
    for number in signals.STOPPING:
        signal.signal(number, signal.SIG_IGN if number != signal.SIGTERM or _is_ignored(number) else _stop)
    pipe, answers = _take_over_pipes()
    # Before the memory is limited and the job opened: either may hang, and a thread needs memory to start.
    requests = _reader(pipe)
    settings = requests.get()
    requests.grace = settings["grace"]
    try:
        function = resolve(settings["job"])
        # The limit comes before the work: a small file can unfold to something that fills all memory.
        _limit_memory(settings["memory"])
        work: Work = function if settings["arguments"] is None else function(**settings["arguments"])
    except (PrerollError, OSError, ValueError, MemoryError, ImportError) as error:
        send(answers, _refusal(error))
        return
    send(answers, {"event": "ready"})
    while True:
        request = requests.get()
        send(answers, *perform(work, request, _Reporter(answers)))


def resolve(name: str) -> Callable[..., Any]:
    """Returns the function that ``module:function`` names."""
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


def perform(work: Work, request: Request, report: "_Reporter") -> tuple[dict[str, Any], bytes]:
    """Returns the answer of ``work`` to one request, or its refusal."""
    try:
        with write_errors.writes(request.get("run", "a file")):  # the target, where the work has one
            message, payload = work(request, report)
    except BrokenPipeError:  # of the answers: the parent is gone
        raise
    except (PrerollError, OSError) as error:
        return _refusal(error), b""
    report.flush()
    return {"event": "answer", "message": message}, payload


def _refusal(error: Exception) -> dict[str, Any]:
    """Returns the message about an error; a disk that is full, or may not be written, is final."""
    final, status = isinstance(error, FinalError), getattr(error, "status", 1)
    line = str(error)
    if isinstance(error, OSError):
        error = write_errors.as_os_error(error) or error
        final = error.errno in FULL
        line = write_errors.told(error)
    if not isinstance(error, PrerollError) and (short := shortage(error)) is not None:
        line = short
    return {"event": "error", "reason": line, "status": status, "final": final}


class _Reporter:
    """Sender of the progress of the work, at most once per interval."""

    def __init__(self, answers: IO[bytes]) -> None:
        self._answers, self._sent = answers, time.monotonic()
        self._last: dict[str, Any] | None = None

    def __call__(self, done: float, promised: float | None) -> None:
        self._last = {"event": "progress", "done": done, "promised": promised}
        if time.monotonic() - self._sent >= _REPORT_EVERY:
            self.flush()

    def flush(self) -> None:
        """Sends the last report if it was not sent yet."""
        if self._last is None:
            return
        try:
            send(self._answers, self._last)
        except BrokenPipeError:  # the input has ended too, and what that brings must not interrupt the tidying up
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            raise
        self._sent, self._last = time.monotonic(), None


class _Requests(queue.SimpleQueue[dict[str, Any]]):
    """Requests that have arrived; how long to tidy up when no more can."""

    grace: float = 0.0


def _reader(pipe: IO[bytes]) -> _Requests:
    """Reads requests beside the work, so that a worker whose parent is gone ends at once."""
    waiting = _Requests()

    def read() -> None:
        # Without memory for a request a worker would wait forever for a request that is never read.
        try:
            while (message := receive(pipe)) is not None:
                waiting.put(message[0])
        finally:
            _end(waiting.grace)

    threading.Thread(target=read, daemon=True).start()
    return waiting


def _end(grace: float) -> None:
    """Ends this process: at once, or after it had time to tidy up."""
    if grace:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace)
    os._exit(0)


def _is_ignored(number: int) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN


def _stop(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not interrupt the tidying up
    sys.exit(128 + number)


def _take_over_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Keeps the pipes for messages: what a library prints goes to stderr instead of between them."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    return requests, answers


def _limit_memory(limit: int | None) -> None:
    try:
        import resource
    except ImportError:  # Windows; the parent says so
        return
    if limit and sys.platform == "linux":
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    # A crash is a finding, not something to keep hundreds of megabytes of.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    status: Any = 0
    try:
        main()
    except SystemExit as stopped:
        status = stopped.code
    except BrokenPipeError:  # the parent is gone
        status = 1
    # All is tidy; taking torch apart would take seconds.
    os._exit(status)
