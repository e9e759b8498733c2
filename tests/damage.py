"""One flipped bit, or a file that is cut, empty or missing: it is told in one line, or what is read is the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from preroll.errors import PrerollError

Read = Callable[[Path], Any]
FLIPS = 6


def damaged(path: Path, rng: np.random.Generator) -> list[bytes]:
    """Contents that the file may have after an accident."""
    data = path.read_bytes()
    contents = [b"", data[: len(data) // 2], b"[]", b"[" * 100_000]
    places = [*rng.integers(0, len(data), FLIPS), *range(0, min(len(data), 120), 13)]
    for place in places:
        flipped = bytearray(data)
        flipped[place] ^= 1 << int(rng.integers(8))
        contents.append(bytes(flipped))
    return contents


def is_noticed(folder: Path, read: Read, good: Any, path: Path) -> bool:
    """Reads a folder whose file ``path`` was damaged, and returns whether that was told."""
    try:
        found = read(folder)
    except PrerollError as error:
        told = str(error)
    else:
        assert found == good, path.name
        return False
    assert "\n" not in told, path.name
    assert str(folder) in told, path.name
    return True


def check(folder: Path, read: Read) -> None:
    """Damages every file of a folder in turn, and reads it."""
    rng, good = np.random.default_rng(0), read(folder)
    noticed = 0
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        for content in damaged(path, rng):
            path.write_bytes(content)
            noticed += is_noticed(folder, read, good, path)
        path.unlink()
        noticed += is_noticed(folder, read, good, path)
        path.write_bytes(whole)
    assert noticed
    assert read(folder) == good
