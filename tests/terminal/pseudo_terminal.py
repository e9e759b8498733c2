"""Stdout as a pseudo-terminal of a given width, which tells its size as a window does."""

import os
import re
import sys
import termios
from collections.abc import Callable
from threading import Thread

import pytest


def shown(monkeypatch: pytest.MonkeyPatch, columns: int, action: Callable[[], object]) -> str:
    """Returns what an action prints on a terminal, without colours."""
    with monkeypatch.context() as patch:
        patch.delenv("COLUMNS", raising=False)
        patch.setenv("TERM", "xterm")
        master, slave = os.openpty()
        termios.tcsetwinsize(slave, (24, columns))
        received: list[bytes] = []
        reader = Thread(target=_read, args=(master, received))
        reader.start()
        with open(slave, "w", encoding="utf-8") as terminal:
            patch.setattr(sys, "stdout", terminal)
            action()
        reader.join()
        os.close(master)
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", b"".join(received).decode()).replace("\r\n", "\n")


def _read(master: int, received: list[bytes]) -> None:
    """Reads until the terminal is closed, which is an error on Linux and an end on other systems."""
    try:
        while some := os.read(master, 1 << 16):
            received.append(some)
    except OSError:
        return
