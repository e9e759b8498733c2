"""Journal of a build's results so far, stored beside the new catalog, from which a killed build resumes.

Every finished video is one record appended to a file: a kill at any moment leaves at most one incomplete record, which
is truncated. The file is locked by one build at a time.
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
from preroll.perception.workers.codec import pack, unpack
from preroll.workers.messages import receive, send

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
        """Appends the analysis of a video."""
        message, payload = pack(analysis)
        _write(self._file, {**message, "path": path}, payload)
        self.known[path] = analysis


@contextmanager
def open_journal(out: Path, recipe: dict[str, Any]) -> Iterator[Journal]:
    """Opens the journal of the build that writes to ``out``, and removes it on success or if it has no usable record.

    Args:
        out: the folder of the catalog.
        recipe: what the analyses depend on besides the videos; records of another recipe are dropped.

    Raises:
        PrerollError: if another build is writing the same catalog.
    """
    folder = journal_folder(out)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "journal").open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise PrerollError(f"--out {out}: another build is at work on this catalog") from None
        file.seek(0)
        # Round trip through JSON, so that it compares equal to a recipe that was read.
        journal = Journal(file, json.loads(json.dumps(recipe)))
        finished = False
        try:
            yield journal
            finished = True
        finally:
            if finished or not any(one.usable for one in journal.known.values()):
                shutil.rmtree(folder, ignore_errors=True)


def journal_folder(out: Path) -> Path:
    """Returns the folder of the journal until the build is complete: ``.NAME.build`` beside the catalog's folder."""
    out = out.absolute()
    return out.with_name(f".{out.name}.build")


def _write(file: IO[bytes], message: dict[str, Any], payload: bytes = b"") -> None:
    # Flushed to the operating system, not to the disk: the record survives this process, but not a power failure.
    send(file, {**message, "crc": zlib.crc32(payload)}, payload)


def _records(file: IO[bytes]) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yields the complete records from the start of a file."""
    while (record := receive(file)) is not None:
        if record[0].get("crc") != zlib.crc32(record[1]):
            return
        yield record
