"""Journal of a build's results so far, in the catalog's work folder, from which a killed build resumes.

Every finished video is one record appended to a file:

```
magic                8 bytes, by which the next record is found behind a damaged one
lengths              of header and payload, uint32 each
sha256               of the recipe, the lengths, the header and the payload
header, payload      the analysis as a message between processes
```

A record that was cut by a kill, damaged, or made by another recipe does not have the hash, and costs itself alone.
"""

import hashlib
import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from preroll.files import atomic, work_folder
from preroll.perception.analysis.analysis import Analysis
from preroll.perception.workers.codec import pack, unpack

#: Its last byte is the version of the records.
_MAGIC = b"\x89preroll2"
_LENGTHS = struct.Struct(">II")
_HASH = hashlib.sha256().digest_size
_HEAD = len(_MAGIC) + _LENGTHS.size + _HASH
NAME = "journal"


class Journal:
    """The records of one build.

    Attributes:
        known: analyses by the videos' names in the catalog, the latest of each.
    """

    def __init__(self, file: IO[bytes], recipe: dict[str, Any]) -> None:
        self._file = file
        self._recipe = json.dumps(recipe, sort_keys=True).encode()
        self.known: dict[str, Analysis] = {}
        end = 0
        file.seek(0)
        for message, payload, behind in self._records(file.read()):
            self.known[message["path"]] = unpack(message, payload)
            end = behind
        file.seek(end)
        file.truncate()

    def add(self, path: str, analysis: Analysis) -> None:
        """Appends the analysis of a video."""
        message, payload = pack(analysis)
        # Names of files may hold bytes that are no UTF-8: as ASCII escapes they survive.
        header = json.dumps({**message, "path": path}, ensure_ascii=True).encode("ascii")
        lengths = _LENGTHS.pack(len(header), len(payload))
        self._file.write(_MAGIC + lengths + self._hash(lengths, header, payload) + header + payload)
        # To the operating system, not to the disk: the record survives this process, but not a power failure.
        self._file.flush()
        self.known[path] = analysis

    def _records(self, data: bytes) -> Iterator[tuple[dict[str, Any], bytes, int]]:
        """Yields header and payload of every sound record, and where it ends."""
        start = data.find(_MAGIC)
        while start >= 0:
            record = self._record(data, start)
            if record is not None:
                yield record
            start = data.find(_MAGIC, start + 1 if record is None else record[-1])

    def _record(self, data: bytes, start: int) -> tuple[dict[str, Any], bytes, int] | None:
        """Returns the record that begins at ``start``, or None if it is not what was written."""
        head = data[start + len(_MAGIC) : start + _HEAD]
        if len(head) < _HEAD - len(_MAGIC):
            return None
        lengths, digest = head[: _LENGTHS.size], head[_LENGTHS.size :]
        sizes = _LENGTHS.unpack(lengths)
        behind = start + _HEAD + sizes[0]
        header, payload = data[start + _HEAD : behind], data[behind : behind + sizes[1]]
        if self._hash(lengths, header, payload) != digest:
            return None
        return json.loads(header), payload, behind + sizes[1]

    def _hash(self, *parts: bytes) -> bytes:
        digest = hashlib.sha256(self._recipe)
        for part in parts:
            digest.update(part)
        return digest.digest()


@contextmanager
def open_journal(out: Path, recipe: dict[str, Any]) -> Iterator[Journal]:
    """Opens the journal of the build that writes to ``out``, and removes it on success or if it has no usable record.

    Args:
        out: the folder of the catalog.
        recipe: what the analyses depend on besides the videos; records of another recipe are dropped.

    Raises:
        PrerollError: if another process is writing the same catalog, or it cannot be written.
    """
    with atomic.writing(out, f"--out {out}"):
        path = journal_file(out)
        with path.open("a+b") as file:
            journal = Journal(file, recipe)
            finished = False
            try:
                yield journal
                finished = True
            finally:
                if finished or not any(one.usable for one in journal.known.values()):
                    file.close()  # an open file cannot be removed everywhere
                    path.unlink(missing_ok=True)
                    choice_file(out).unlink(missing_ok=True)


def choice_file(out: Path) -> Path:
    """Returns the file that says which detector was chosen, until the build of the catalog ``out`` is complete."""
    return journal_file(out).with_name("detector.json")


def journal_file(out: Path) -> Path:
    """Returns the file of the journal until the build of the catalog ``out`` is complete."""
    return work_folder.beside(atomic.destination(out)) / NAME
