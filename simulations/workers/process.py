"""Parent-side handle of a worker process."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from preroll.workers.child_process import Child

GRACE = 5.0  # seconds that a worker has to clean up


class WorkerProcess(Child):
    """A process that runs :mod:`preroll.simulations.workers.worker`."""

    def __init__(self) -> None:
        super().__init__("preroll.simulations.workers.worker", encoding="utf8")

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self.process.poll() is not None

    def send(self, request: Mapping[str, Any]) -> None:
        """Sends a request; if the process has died, :meth:`receive` ends without an answer."""
        with suppress(OSError):
            self.requests.write(json.dumps(request) + "\n")
            self.requests.flush()

    def receive(self) -> Iterator[dict[str, Any]]:
        """Yields answers until the process ends."""
        for line in self.answers:
            if not line.endswith("\n"):  # the process was killed while writing it
                return
            yield json.loads(line)

    def wait_or_kill(self) -> None:
        """Waits for the process to clean up and exit, then kills it."""
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
