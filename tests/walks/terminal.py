"""A terminal of 80 columns in which a stranger types what README shows."""

import os
import pty
import re
import shlex
import struct
import subprocess
import sys
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from select import select

from tests.conftest import ROOT

COLUMNS = 80
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Shown:
    """What a command left on the screen, and its exit status."""

    text: str
    status: int

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def table(self) -> list[str]:
        """The lines of the tables: headings, and rows, whose columns are two spaces apart."""
        rules = [number for number, line in enumerate(self.lines) if line and set(line) == {"─"}]
        rows = [takewhile(lambda line: "  " in line, self.lines[rule + 1 :]) for rule in rules]
        return [line for rule, below in zip(rules, rows, strict=True) for line in (self.lines[rule - 1], *below)]


def of_readme(begins: str, **instead: str) -> str:
    """The command of README that begins like this, without its comment; ``instead`` replaces words of it."""
    lines = (ROOT / "README.md").read_text("utf8").splitlines()
    command = next(line for line in lines if line.startswith(begins)).partition("  #")[0].partition(" # ")[0].strip()
    for old, new in instead.items():
        assert old in command, command
        command = command.replace(old, new)
    return command


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "NO_COLOR": "1"}


def words_of(command: str) -> list[str]:
    return [sys.executable, "-m", *shlex.split(command)]


def typed(command: str, here: Path) -> Shown:
    """Runs a command of README in a pseudo-terminal."""
    import fcntl
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    kept = {name: value for name, value in environment().items() if name not in ("COLUMNS", "LINES")}
    with subprocess.Popen(words_of(command), stdin=theirs, stdout=theirs, stderr=theirs, cwd=here, env=kept) as process:
        os.close(theirs)
        found = b""
        while True:
            try:
                select([ours], [], [])
                if not (block := os.read(ours, 65536)):
                    break
            except OSError:  # the other end is closed
                break
            found += block
        status = process.wait()
    os.close(ours)
    plain = _ESCAPES.sub("", found.decode("utf8", "replace")).replace("\r\n", "\n")
    return Shown("\n".join(line.rpartition("\r")[2] for line in plain.split("\n")), status)


def scripted(command: str, here: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command of README as a script does: what it prints goes to files."""
    words, env = words_of(command), environment()
    return subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=here, env=env, check=False
    )
