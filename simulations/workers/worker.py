"""A process that does one job after another: ``python -m preroll.simulations.workers.worker``.

It is spoken to over its pipes. Requests and answers are lines of JSON. A request is
``{"job": "module:function", …}``: the function is called with the request and ``advance``. An answer is
``{"advance": n}``, ``{"done": true}`` or ``{"error": line, "status": n}``, with ``"full": true`` where no other job
could do better. It ends when its input does.
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
    # Ctrl-C reaches every process of a terminal: whoever started this one decides, and ends it by SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    answers = _take_over_stdout()
    requests: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    while (line := requests.get()) is not None:
        _say(answers, answer_to(json.loads(line), lambda n: _say(answers, {"advance": n})))


def _stop(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not interrupt the tidying up
    sys.exit(128 + number)


def _listen(requests: "queue.SimpleQueue[str | None]") -> None:
    """Passes on requests; when the input ends, whoever asked has gone, and the job at hand is given up."""
    for line in sys.stdin:
        requests.put(line)
    requests.put(None)
    os.kill(os.getpid(), signal.SIGTERM)


def answer_to(request: Mapping[str, Any], advance: Callable[[int], None] = lambda _: None) -> dict[str, Any]:
    """Does as ``request`` says; gives the last answer."""
    try:
        _job(request["job"])(request, advance)
    except PrerollError as error:
        return {"error": str(error), "status": error.status}
    except BrokenPipeError:  # of the answers: nobody listens any more
        raise
    except OSError as error:
        line = f"{error.filename or request['run']}: {error.strerror or error}"
        return {"error": line, "status": 1, "full": error.errno in FULL}
    return {"done": True}


def _job(name: str) -> Callable[[Mapping[str, Any], Callable[[int], None]], None]:
    """The function that a request names as ``module:function``."""
    module, _, function = name.partition(":")
    job: Callable[[Mapping[str, Any], Callable[[int], None]], None] = getattr(import_module(module), function)
    return job


def _take_over_stdout() -> IO[str]:
    """Keeps stdout for answers: what a library prints goes to stderr instead of between them."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf8")
    os.dup2(2, 1)
    return answers


def _say(answers: IO[str], message: Mapping[str, Any]) -> None:
    try:
        answers.write(json.dumps(message) + "\n")
        answers.flush()
    except BrokenPipeError:  # the input has ended too, and what that brings must not interrupt the tidying up
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise


if __name__ == "__main__":
    status: Any = 0
    try:
        main()
    except SystemExit as stopped:
        status = stopped.code
    except BrokenPipeError:  # nobody listens any more
        status = 1
    # All is tidy; taking torch apart would take seconds.
    os._exit(status)
