"""What a pool of workers does: the job that every worker runs, the limits of a worker, and how a request ended."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from preroll.errors import PrerollError
from preroll.system.memory import COMPILED, Need

Request = dict[str, Any]
#: Called with the amount done so far and the amount promised (None: not known), in units of the job.
Progress = Callable[[float, float | None], None]
#: What a worker does with a request: returns a message, which JSON can hold, and bytes beside it.
Work = Callable[[Request, Progress], tuple[dict[str, Any], bytes]]

_GRANTED_AHEAD = 60.0


@dataclass(frozen=True)
class Limits:
    """What a worker process may use before it is killed.

    Attributes:
        seconds: wall-clock time for a request of any size [s].
        seconds_per_second: more of it for each second that the data of the request promises to last.
        memory: address space of a worker [bytes]; None for no limit.

    Examples:
        >>> limits = Limits(seconds=60, seconds_per_second=10)
        >>> limits.allowed(done=0, promised=30.0), limits.allowed(done=0, promised=1e9)
        (360.0, 660.0)
    """

    seconds: float = 60.0
    seconds_per_second: float = 10.0
    memory: int | None = 2 << 30

    def allowed(self, done: float, promised: float | None) -> float:
        """Returns the wall-clock time since its start that a request may have used [s].

        A file may promise to last for years: its time is granted minute by minute, as it is processed.

        Args:
            done: how much of it has been processed [s].
            promised: how long it claims to last [s]; None if unknown.
        """
        granted = done + _GRANTED_AHEAD
        return self.seconds + self.seconds_per_second * (granted if promised is None else min(promised, granted))


#: For work of unbounded length: a worker that hangs is noticed by its CPU time alone.
UNLIMITED = Limits(seconds=float("inf"), seconds_per_second=0.0, memory=None)


@dataclass(frozen=True)
class Job:
    """What every worker of a pool runs.

    Attributes:
        function: ``module:function``; imported in the worker. It is called with ``arguments`` once and returns a
            :data:`Work`, or is one itself where ``arguments`` is None.
        arguments: what it is called with, as JSON holds it.
        limits: what a worker may use.
        grace: time that a worker has to tidy up after SIGTERM before it is killed [s]; 0 kills at once.
        command: starts another process as a worker, for tests.
        need: memory of a worker.
        opening: CPU time that a worker may use until the function has returned what it runs [s].
        name: of what is opened, for errors.
    """

    function: str
    arguments: Mapping[str, Any] | None = None
    limits: Limits = UNLIMITED
    grace: float = 5.0
    command: Sequence[str] = field(default=())
    need: Need = COMPILED
    opening: float = 300.0
    name: str = ""


@dataclass(frozen=True)
class JobOutcome:
    """How a request ended.

    Attributes:
        number: of the request.
        message: the answer; None where there is none.
        payload: the bytes beside it.
        error: of the last try, in one line; of a process that died its exit status or signal; None with an answer.
        said: the last line that a process that died wrote to stderr.
        status: exit status that belongs to the error.
        reason: ``error`` (the job refused), ``died`` (its process ended) or ``timeout`` (it used up its time).
        final: whether neither another try nor another request could do better, as on a full disk.
    """

    number: int = 0
    message: dict[str, Any] | None = None
    payload: bytes = b""
    error: str | None = None
    said: str = ""
    status: int = 1
    reason: str = ""
    final: bool = False

    @property
    def line(self) -> str:
        """The error with the last words of a process that died."""
        return f"its process died ({self.error}); {self.said}" if self.reason == "died" else str(self.error)


class FinalError(PrerollError):
    """An error that neither another try nor another request could avoid, as a full disk."""
