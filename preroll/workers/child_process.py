"""Parent-side handle of a child process that runs a Python module."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any


class Child:
    """A process that runs ``python -m module``; it imports what this one imports, and its libraries start no threads.

    Attributes:
        process: the process itself, to signal it and to wait for it.
        requests: the pipe to its stdin.
        answers: the pipe from its stdout.
    """

    def __init__(self, module: str, *, command: Sequence[str] = (), encoding: str | None = None) -> None:
        """Starts the process.

        Args:
            module: module to run.
            command: command that is started instead.
            encoding: text encoding of the pipes; bytes without it.
        """
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed by close)
        self.process: subprocess.Popen[Any] = subprocess.Popen(
            command or [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding=encoding,
            env=_environment(),
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.requests, self.answers = self.process.stdin, self.process.stdout

    def exit_reason(self) -> str:
        """Waits for the end of the process; returns its exit status, or the signal that ended it, as text."""
        code = self.process.wait()
        if code >= 0:
            return f"exit status {code}"
        with suppress(ValueError):
            return signal.Signals(-code).name
        return f"signal {-code}"

    def last_stderr_line(self) -> str:
        """Returns the last line that the process wrote to stderr."""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def close(self) -> None:
        """Closes the pipes of a process that has ended."""
        for pipe in (self.requests, self.answers):
            with suppress(OSError):  # what it could not be told is lost with it
                pipe.close()
        self._errors.close()


def _environment() -> dict[str, str]:
    # One thread each: there are as many workers as cores.
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **single, "PYTHONPATH": os.pathsep.join(part or os.getcwd() for part in sys.path)}
