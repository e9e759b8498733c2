"""A worker process seen from outside: asked, heard, and ended."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from preroll.workers.child_process import Child

GRACE = 5.0  # seconds that a worker has to tidy up


class WorkerProcess(Child):
    """One process of :mod:`preroll.simulations.workers.worker`."""

    def __init__(self) -> None:
        super().__init__("preroll.simulations.workers.worker", encoding="utf8")

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.process.poll() is not None

    def send(self, request: Mapping[str, Any]) -> None:
        """Sends a request; that the process has died is noticed where its answers end."""
        with suppress(OSError):
            self.requests.write(json.dumps(request) + "\n")
            self.requests.flush()

    def receive(self) -> Iterator[dict[str, Any]]:
        """Yields answers until the process ends."""
        for line in self.answers:
            if not line.endswith("\n"):  # it was killed in the middle of it
                return
            yield json.loads(line)

    def wait_or_kill(self) -> None:
        """Gives it time to tidy up, then kills it."""
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
