"""Signals that ask the command line to stop: when they stop it, when they wait, and when they come too late.

One handler for all of them. A signal that was ignored when the process began (by nohup, or by a script's ``&``) stays
ignored, since its handler is never replaced.
"""

import atexit
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

#: Ctrl-C, a request to end, and a connection that was lost; where a system lacks one, the others.
STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
#: So many signals end work that saves itself at the first one: the second may be the same once more, since `timeout`
#: and a closed terminal send theirs to the process and to its group.
_IMPATIENT = 3


class Stopped(BaseException):
    """Raised by a signal that asks to stop; no ``except Exception`` on the way to the command line catches it.

    Attributes:
        number: the signal.
        writing: whether something was being written, which is removed.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number, self.writing = number, False


class _State:
    """What has arrived, and what a signal means now."""

    def __init__(self) -> None:
        self.arrived: list[int] = []
        self.polled = False  # the work asks, and stops by itself
        self.saves = 0  # under way, one within the other
        self.stopped = False
        self.finished = False
        self.over = False


_now = _State()


def told(number: int) -> str:
    """Returns the name of a signal for people.

    >>> told(signal.SIGINT), told(signal.SIGTERM)
    ('Ctrl-C', 'SIGTERM')
    """
    return "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name


def is_command_line() -> bool:
    """Returns whether this process is ``preroll`` or ``python -m preroll``, not a program that imports it."""
    name, original = (sys.argv or [""])[0], sys.orig_argv
    if name == "-m":  # until the module has been found
        return original[original.index("-m") + 1 :][:1] == ["preroll"] if "-m" in original else False
    return Path(name).stem == "preroll"


def listen() -> None:
    """Has signals that ask to stop raise :class:`Stopped`, from now on; in the main thread alone."""
    global _now
    _now = _State()
    _handle(_arrived)
    atexit.unregister(_ignore)
    atexit.register(_ignore)


def end_at_once() -> None:
    """Has signals that ask to stop end the process with one line: while modules load, there is nothing to tidy up."""

    def end(number: int, _frame: FrameType | None) -> None:
        line = f"stopped by {told(number)}; nothing was started\n"
        try:
            os.write(2, line.encode())
        finally:
            os._exit(128 + number)

    _handle(end)


def finished() -> None:
    """Marks the work as finished and saved: neither a signal nor output that fails changes the status now."""
    _now.finished = True


def over() -> None:
    """Lets no signal stop anything from now on: what is left is to say how it ended."""
    _now.over = True


def is_finished() -> bool:
    """Returns whether :func:`finished` was called since :func:`listen`."""
    return _now.finished


@contextmanager
def polled() -> Iterator[Callable[[], int]]:
    """Leaves it to the block to stop: yields a function that returns the first signal that arrived, or 0."""
    listening = any(signal.getsignal(number) is _arrived for number in STOPPING)
    if not listening:  # the library, without the command line: its caller handles signals
        yield lambda: 0
        return
    _now.polled = True
    try:
        yield lambda: _now.arrived[0] if _now.arrived else 0
    finally:
        _now.polled, _now.arrived = False, []  # whoever asked was heard, or the work was done before


@contextmanager
def saving() -> Iterator[None]:
    """Lets no signal interrupt the block; one that would have stopped it stops behind it."""
    _now.saves += 1
    try:
        yield
    finally:
        _now.saves -= 1
    _stop_if_asked()


@contextmanager
def kept(note: str) -> Iterator[None]:
    """Has a signal that stops the block tell what is kept, and how to go on: of a command from its first moment."""
    try:
        yield
    except Stopped as stopped:
        stopped.add_note(note)
        raise


@contextmanager
def unchanged() -> Iterator[None]:
    """Puts handlers back that a library replaces."""
    before = {number: signal.getsignal(number) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)


def _arrived(number: int, _frame: FrameType | None) -> None:
    if not (_now.finished or _now.over):
        _now.arrived.append(number)
        _stop_if_asked()


def _stop_if_asked() -> None:
    """Raises :class:`Stopped`, once: a second signal must not interrupt the tidying up of the first."""
    enough = len(_now.arrived) >= (_IMPATIENT if _now.polled else 1)
    if enough and not _now.saves and not _now.stopped:
        _now.stopped = True
        raise Stopped(_now.arrived[0])


def _ignore() -> None:
    """Ignores what was listened to: Python takes handlers away before modules, and a signal would end what is done."""
    for number in STOPPING:
        if signal.getsignal(number) is _arrived:
            signal.signal(number, signal.SIG_IGN)


def _handle(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in STOPPING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)
