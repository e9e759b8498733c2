"""Worker process that runs one job after another: ``python -m preroll.simulations.workers.worker``.

Requests arrive on stdin and answers leave on stdout, as lines of JSON. A request is ``{"job": "module:function", …}``:
the function is called with the request and ``advance``. An answer is ``{"advance": n}``, ``{"done": true}`` or
``{"error": line, "status": n}``, with ``"full": true`` if every other job would fail as well. The process ends with its
input.
"""

import errno
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from types import FrameType
from typing import IO, Any

from preroll.errors import PrerollError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)


def main() -> None:
    """Serves requests until the input ends."""
    # Ctrl-C reaches every process of a terminal; this one leaves the decision to its parent, which sends SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    answers = _take_over_stdout()
    requests: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    while (line := requests.get()) is not None:
        _say(answers, answer_to(json.loads(line), lambda n: _say(answers, {"advance": n})))


def _stop(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second signal must not interrupt the clean-up
    sys.exit(128 + number)


def _listen(requests: "queue.SimpleQueue[str | None]") -> None:
    """Forwards requests; the end of the input means that the parent is gone, so the current job is aborted."""
    for line in sys.stdin:
        requests.put(line)
    requests.put(None)
    os.kill(os.getpid(), signal.SIGTERM)


def answer_to(request: Mapping[str, Any], advance: Callable[[int], None] = lambda _: None) -> dict[str, Any]:
    """Runs the job of ``request`` and returns the final answer."""
    try:
        _job(request["job"])(request, advance)
    except PrerollError as error:
        return {"error": str(error), "status": error.status}
    except BrokenPipeError:  # of the answers: the parent is gone
        raise
    except OSError as error:
        line = f"{error.filename or request['run']}: {error.strerror or error}"
        return {"error": line, "status": 1, "full": error.errno in FULL}
    return {"done": True}


def _job(name: str) -> Callable[[Mapping[str, Any], Callable[[int], None]], None]:
    """Returns the function that a request names as ``module:function``."""
    module, _, function = name.partition(":")
    job: Callable[[Mapping[str, Any], Callable[[int], None]], None] = getattr(import_module(module), function)
    return job


def _take_over_stdout() -> IO[str]:
    """Reserves stdout for answers: output that libraries print goes to stderr instead."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf8")
    os.dup2(2, 1)
    return answers


def _say(answers: IO[str], message: Mapping[str, Any]) -> None:
    try:
        answers.write(json.dumps(message) + "\n")
        answers.flush()
    except BrokenPipeError:  # the input has ended too; the SIGTERM that follows must not interrupt the clean-up
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise


if __name__ == "__main__":
    status: Any = 0
    try:
        main()
    except SystemExit as stopped:
        status = stopped.code
    except BrokenPipeError:  # the parent is gone
        status = 1
    # Clean-up is done; the interpreter's own shutdown would spend seconds on torch.
    os._exit(status)
