"""What a build has found so far, kept beside the catalog-to-be, so that a killed build goes on where it was.

Every finished video is one record at the end of a file: a kill at any moment leaves at most one half record, which is
cut off. The file belongs to one build at a time.
"""

import fcntl
import json
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from preroll.errors import PrerollError
from preroll.perception.analysis.analysis import Analysis
from preroll.perception.workers.messages import pack, receive, send, unpack

_FORMAT = "preroll-journal-1"


class Journal:
    """The records of one build.

    Attributes:
        known: analyses by the videos' names in the catalog, the latest of each.
    """

    def __init__(self, file: IO[bytes], recipe: dict[str, Any]) -> None:
        self._file = file
        self.known: dict[str, Analysis] = {}
        end = 0
        for number, (message, payload) in enumerate(_records(file)):
            if number == 0:
                if message.get("recipe") != recipe:
                    break
            else:
                self.known[message["path"]] = unpack(message, payload)
            end = file.tell()
        file.seek(end)
        file.truncate()
        if not end:
            _write(file, {"format": _FORMAT, "recipe": recipe})

    def add(self, path: str, analysis: Analysis) -> None:
        """Notes what came of a video."""
        message, payload = pack(analysis)
        _write(self._file, {**message, "path": path}, payload)
        self.known[path] = analysis


@contextmanager
def open_journal(out: Path, recipe: dict[str, Any]) -> Iterator[Journal]:
    """Opens the journal of the build that writes to ``out``; removes it when the block succeeds, or knows of nothing.

    Args:
        out: the folder of the catalog.
        recipe: what the analyses depend on beside the videos; records made by another one are dropped.

    Raises:
        PrerollError: where another build is at work on the same catalog.
    """
    folder = journal_folder(out)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "journal").open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise PrerollError(f"--out {out}: another build is at work on this catalog") from None
        file.seek(0)
        # Through JSON, as what is read will have come.
        journal = Journal(file, json.loads(json.dumps(recipe)))
        finished = False
        try:
            yield journal
            finished = True
        finally:
            if finished or not any(one.usable for one in journal.known.values()):
                shutil.rmtree(folder, ignore_errors=True)


def journal_folder(out: Path) -> Path:
    """Where the journal of a build lies until it is complete: ``.NAME.build`` beside the catalog's folder."""
    out = out.absolute()
    return out.with_name(f".{out.name}.build")


def _write(file: IO[bytes], message: dict[str, Any], payload: bytes = b"") -> None:
    # Flushed to the system, not to the disk: the record outlives this process, if not a loss of power.
    send(file, {**message, "crc": zlib.crc32(payload)}, payload)


def _records(file: IO[bytes]) -> Iterator[tuple[dict[str, Any], bytes]]:
    """The whole records from the start of a file."""
    while (record := receive(file)) is not None:
        if record[0].get("crc") != zlib.crc32(record[1]):
            return
        yield record
