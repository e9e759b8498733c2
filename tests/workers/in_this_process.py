"""Workers without processes, for tests whose claims are about the work: nothing is loaded anew for them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from preroll.errors import PrerollError
from preroll.workers import supervisor, worker
from preroll.workers.job import Job, Progress, Request, Work


class NoProcess:
    """Stands for a worker process that never dies and has no limits: its work is done in the thread that asks for it.

    What is asked passes through JSON, as it does on its way to a process.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._work: Work | None = None

    def start(self) -> None:
        """Opens the job, as a process does."""
        if self._work is not None:
            return
        open_job, arguments = worker.resolve(self._job.function), self._job.arguments
        try:
            self._work = open_job if arguments is None else open_job(**passed(arguments))
        except (PrerollError, OSError, ValueError, MemoryError, ImportError) as error:
            raise PrerollError(worker._refusal(error)["reason"]) from None

    def run(self, request: Request, progress: Progress | None = None) -> tuple[dict[str, Any], bytes]:
        """Does what is asked."""
        self.start()
        assert self._work is not None
        reported: Any = Reporter(progress)
        message, payload = worker.perform(self._work, passed(request), reported)
        return passed(message), payload

    def terminate(self) -> None:
        """Nothing has to end."""

    stop = kill = terminate


class Reporter(SimpleNamespace):
    """Passes every report on."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress

    def __call__(self, done: float, promised: float | None) -> None:
        if self.progress is not None:
            self.progress(done, promised)

    def flush(self) -> None:
        """Nothing waits."""


def passed(message: Any) -> Any:
    """What arrives of a message at the other end of a pipe."""
    return json.loads(json.dumps(dict(message)))


@contextmanager
def in_this_process() -> Iterator[None]:
    """Pools have no processes meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(supervisor, "WorkerProcess", NoProcess)
        yield
