"""Journal of a search: Optuna's operations, one a line, each with a checksum.

Optuna's own tools read it too: to them the checksum is a key that they do not know.
"""

import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optuna.storages.journal import BaseJournalBackend

from preroll.files import atomic

CHECKSUM = "crc"


class CheckedJournal(BaseJournalBackend):
    """Optuna's journal in a file of which this process is the only writer.

    A line that a kill cut, or that is not what was written, ends the journal: what came after it is removed, and those
    trials are run again, with the same result.

    Args:
        path: the file, which may be missing.

    Attributes:
        dropped: number of lines that were removed when the file was opened, less one that a kill cut.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        content = path.read_bytes() if path.exists() else b""
        lines = content.splitlines(keepends=True)
        self._logs: list[dict[str, Any]] = []
        for line in lines:
            if (log := _checked(line)) is None:
                break
            self._logs.append(log)
        known = sum(map(len, lines[: len(self._logs)]))
        self.dropped = len(lines) - len(self._logs) - (not content.endswith(b"\n") and bool(content))
        if known < len(content):
            atomic.write_bytes(path, content[:known])

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Returns the operations from a number on."""
        return iter(self._logs[log_number_from:])

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Appends operations, on the disk when it returns."""
        plain = [json.loads(json.dumps(log)) for log in logs]
        text = "".join(json.dumps({**log, CHECKSUM: _checksum(log)}, separators=(",", ":")) + "\n" for log in plain)
        with self._path.open("ab") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        self._logs += plain


def _checked(line: bytes) -> dict[str, Any] | None:
    """Returns the operation in a line, or None if it is not what was written."""
    try:
        log = json.loads(line)
        told = log.pop(CHECKSUM)
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None
    return log if line.endswith(b"\n") and told == _checksum(log) else None


def _checksum(log: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(log).encode())
