"""A worker process seen from outside: started, asked, heard, and ended."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

GRACE = 5.0  # seconds that a worker has to tidy up


class WorkerProcess:
    """One process of :mod:`preroll.simulations.worker`; it imports what this process imports."""

    def __init__(self) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed by close)
        # Its libraries start no threads: there are as many workers as cores.
        single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        path = os.pathsep.join(part or os.getcwd() for part in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "preroll.simulations.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding="utf8",
            env={**os.environ, **single, "PYTHONPATH": path},
        )

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self._process.poll() is not None

    def ask(self, request: Mapping[str, Any]) -> None:
        """Sends a request; that the process has died is noticed where its answers end."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()

    def answers(self) -> Iterator[dict[str, Any]]:
        """Yields answers until the process ends."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if not line.endswith("\n"):  # it was killed in the middle of it
                return
            yield json.loads(line)

    def ending(self) -> str:
        """How it died."""
        code = self._process.wait()
        if code >= 0:
            return f"exit status {code}"
        with suppress(ValueError):
            return signal.Signals(-code).name
        return f"signal {-code}"

    def last_words(self) -> str:
        """The last line that it wrote to stderr."""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def terminate(self) -> None:
        """Asks it to tidy up and end."""
        self._process.terminate()

    def await_end(self) -> None:
        """Gives it time to tidy up, then kills it."""
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def close(self) -> None:
        """Frees its pipes."""
        # Whatever it could not be told is lost with it.
        with suppress(OSError):
            self._process.communicate()
        self._errors.close()
