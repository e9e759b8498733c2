"""A process that trains one agent after another: ``python -m preroll.simulations.worker``, spoken to over its pipes.

Requests and answers are lines of JSON: a request is the arguments of :func:`preroll.simulations.train`, an answer is
``{"advance": n}``, ``{"done": true}`` or ``{"error": line, "status": n}``. It ends when its input does.
"""

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from preroll.errors import PrerollError


def main() -> None:
    """Serves requests until the input ends."""
    # Ctrl-C reaches every process of a terminal: whoever started this one decides, and ends it by SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    answers = _take_over_stdout()
    for line in sys.stdin:
        _say(answers, _trained(json.loads(line), answers))


def _trained(request: Mapping[str, Any], answers: IO[str]) -> dict[str, Any]:
    """Trains as ``request`` says; gives the last answer."""
    from preroll.simulations.training import train

    try:
        train(
            request["agent"],
            scenario=request["scenario"],
            catalog=request["catalog"],
            sessions=request["sessions"],
            seed=request["seed"],
            run=Path(request["run"]),
            settings=request["settings"],
            replace=True,
            advance=lambda n: _say(answers, {"advance": n}),
        )
    except PrerollError as error:
        return {"error": str(error), "status": error.status}
    except OSError as error:
        return {"error": f"{error.filename or request['run']}: {error.strerror}", "status": 1}
    return {"done": True}


def _take_over_stdout() -> IO[str]:
    """Keeps stdout for answers: what a library prints goes to stderr instead of between them."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf8")
    os.dup2(2, 1)
    return answers


def _say(answers: IO[str], message: Mapping[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


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
