"""One command of preroll in a forked process: undisturbed, killed, or with a call that fails."""

import atexit
import ctypes
import mmap
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.shim import COUNT, KILL, KINDS, State

TIMEOUT = 180.0
#: So long what a killed command started may take to end [s].
GRACE = 20.0
_SUBREAPER = 36
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Fault:
    """A disturbance.

    Attributes:
        action: of ``shim.c``.
        kind, number: which call.
        error: its errno.
        cpu: seconds of CPU time after which the process group is killed, instead of at a call.
    """

    action: int = COUNT
    kind: str = "write"
    number: int = 0
    error: int = 0
    cpu: float | None = None

    def __str__(self) -> str:
        if self.cpu is not None:
            return f"killed after {self.cpu:.2f} CPU-s"
        if self.action == KILL:
            return f"killed at {self.kind} {self.number}"
        return f"{os.strerror(self.error)} at {self.kind} {self.number}{'' if self.action == 1 else ' and after'}"


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes:
        status: exit status; negative for a signal.
        out, err: what it printed.
        cpu: CPU time of its main process [s].
        counts: calls by kind.
        fired: whether the fault happened.
        hit: file of the call that failed.
        left: number of processes that outlived it.
    """

    status: int
    out: str
    err: str
    cpu: float
    counts: dict[str, int]
    fired: bool
    hit: str
    left: int

    @property
    def errors(self) -> list[str]:
        """Lines of stderr that are neither of progress, nor notes and warnings."""
        return [line for line in self.err.splitlines() if line.startswith("error:")]


def prepare_host() -> None:
    """Has this process inherit what its children leave."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def run(command: Sequence[str], folder: Path, fault: Fault = Fault()) -> Outcome:
    """Runs ``preroll COMMAND`` in ``folder``, and waits for everything that it started."""
    aside = folder.with_name(f"{folder.name}.aside")
    aside.mkdir(exist_ok=True)
    with (aside / "state").open("w+b") as file:
        file.truncate(ctypes.sizeof(State))
        shared = mmap.mmap(file.fileno(), ctypes.sizeof(State))
    state = State.from_buffer(shared)
    state.action, state.kind, state.number, state.error = (
        fault.action,
        KINDS.index(fault.kind),
        fault.number,
        fault.error,
    )
    state.below = os.fsencode(folder) + b"/"
    child = os.fork()
    if child == 0:
        _become(command, folder, aside)
    status, cpu = _wait(child, fault.cpu)
    left = _end_the_rest()
    told = [(aside / name).read_text("utf8", "replace") for name in ("out", "err")]
    outcome = Outcome(
        status, told[0], told[1], cpu, dict(zip(KINDS, state.counts, strict=True)),
        bool(state.fired) or (fault.cpu is not None and status == -signal.SIGKILL), os.fsdecode(state.hit), left,
    )  # fmt: skip
    del state
    shared.close()
    shutil.rmtree(aside)
    return outcome


def in_child(made: Callable[[Path], None], folder: Path) -> None:
    """Calls a function in a process of its own, so that this one starts no thread."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            made(folder)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    if os.waitpid(child, 0)[1]:
        raise RuntimeError(f"{made.__name__} failed")


def _become(command: Sequence[str], folder: Path, aside: Path) -> None:
    """Makes this process the command; never returns."""
    status = 255
    try:
        os.setsid()
        os.chdir(folder)
        for number, path in ((0, os.devnull), (1, aside / "out"), (2, aside / "err")):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
        sys.stdout, sys.stderr = (open(n, "w", encoding="utf8", closefd=False) for n in (1, 2))  # noqa: SIM115
        os.environ["FAULTS_STATE"] = str(aside / "state")
        with suppress(AttributeError):
            ctypes.CDLL(None).faults_attach(os.fsencode(aside / "state"))
        from preroll.commands import cli

        sys.argv = ["preroll", *command]
        try:
            cli.main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _wait(child: int, kill_at: float | None) -> tuple[int, float]:
    """Waits for the command, and kills its group when it has used its CPU time."""
    end, cpu = time.monotonic() + TIMEOUT, 0.0
    while True:
        pid, status, used = os.wait4(child, os.WNOHANG)
        if pid:
            _kill_group(child)  # workers that stand on their own are seen below
            return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime
        if time.monotonic() > end or (kill_at is not None and (cpu := _cpu_of(child)) >= kill_at):
            _kill_group(child)
            _, status, _ = os.wait4(child, 0)
            return os.waitstatus_to_exitcode(status), cpu
        time.sleep(0.001)


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _cpu_of(pid: int) -> float:
    with suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])) / _TICKS
    return 0.0


def _end_the_rest() -> int:
    """Waits for inherited processes to end by themselves; ends the others and returns their number."""
    end = time.monotonic() + GRACE
    while time.monotonic() < end:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.01)
        except ChildProcessError:
            return 0
    left = 0
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            left += 1
            os.kill(int(pid), signal.SIGKILL)
            os.waitpid(int(pid), 0)
    return left
