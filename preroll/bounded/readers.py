"""Readers of files from anywhere: what is too large, or would unfold to too much, is refused before it is unfolded.

All of them raise OSError where a file cannot be read, and ValueError, in one line without the file's name, where its
content is refused: callers that expect damaged files need no further clause.
"""

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from preroll.bounded import limits

_NPY = b"\x93NUMPY"


def read_bytes(path: Path, limit: int) -> bytes:
    """Returns the content of a file of at most ``limit`` bytes; of a device no more is read either."""
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"is larger than {_size(limit)}, the most that is read")
    return content


def read_text(path: Path, limit: int, encoding: str = "utf-8") -> str:
    """Returns the text of a file of at most ``limit`` bytes."""
    text = read_bytes(path, limit).decode(encoding)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def load_json(path: Path, limit: int = limits.JSON_TEXT) -> Any:
    """Returns the content of a JSON file of at most ``limit`` bytes.

    Raises:
        OSError: it cannot be read.
        ValueError: it is larger, is no UTF-8 or no JSON, or nests deeper than Python can go.
    """
    return parse_json(read_bytes(path, limit), limit)


def parse_json(
    text: str | bytes,
    limit: int = limits.JSON_TEXT,
    pairs: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:
    """Returns the value of a JSON text; ``pairs`` makes a map of its pairs, by default a dictionary.

    Raises:
        ValueError: as :func:`load_json`.
    """
    if len(text) > limit:
        raise ValueError(f"is larger than {_size(limit)}, the most that is read")
    try:
        return json.loads(text.decode("utf-8-sig") if isinstance(text, bytes) else text, object_pairs_hook=pairs)
    except RecursionError:
        raise ValueError("nests too deeply") from None


def load_array(path: Path) -> NDArray[Any]:
    """Returns one array of a ``.npy`` file, memory-mapped; no memory is taken for a size that the file only claims.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no single array, or shorter than its shape needs.
    """
    with path.open("rb") as file:
        start = file.read(len(_NPY))
    if start != _NPY:
        raise ValueError("is not a single array" if start[:2] == b"PK" else "is no array in NumPy's format")
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        if "empty file" not in str(error):
            raise
        array = np.load(path, allow_pickle=False)  # an array without a number cannot be mapped
    except OSError:
        raise
    except Exception as error:  # its head is read as Python, which can fail in many ways
        raise ValueError(f"is no array: {type(error).__name__} {error}".rstrip()) from None
    return array


def lines(path: Path) -> Iterator[bytes]:
    """Yields the lines of a file, unfolded where its name ends in ``.gz``.

    Raises:
        OSError, EOFError, zlib.error: it cannot be read.
        ValueError: a line is too long, or the file unfolds to too much.
    """
    packed = path.name.endswith(".gz")
    with path.open("rb") as file:
        opened: IO[bytes] = gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[assignment]
        unfolded = 0
        while line := opened.readline(limits.LINE + 1):
            unfolded += len(line)
            if len(line) > limits.LINE:
                raise ValueError(f"has a line of more than {_size(limits.LINE)}")
            if packed and unfolded > max(limits.UNFOLDED, limits.UNFOLDING * file.tell()):
                raise ValueError(f"unfolds to more than {limits.UNFOLDING} times its size")
            yield line


def unfolded(path: Path, limit: int) -> bytes:
    """Returns the content of a file of at most ``limit`` bytes, unfolded where its name ends in ``.gz``.

    Raises:
        OSError, EOFError: it cannot be read.
        ValueError: it is larger, or no gzip file.
    """
    content = read_bytes(path, limit)
    if not path.name.endswith(".gz"):
        return content
    try:
        found = gzip.GzipFile(fileobj=io.BytesIO(content)).read(limit + 1)
    except zlib.error as error:
        raise ValueError(f"is damaged: {error}") from None
    if len(found) > limit:
        raise ValueError(f"unfolds to more than {_size(limit)}")
    return found


def check_archive(archive: zipfile.ZipFile, *, inner: int = 1) -> None:
    """Checks what a zip file says of its entries, and archives in it; nothing but inner archives is unfolded.

    Reading an entry stops at the size that it states, so that a false one is no way around.

    Raises:
        ValueError: it would unfold to too much.
    """
    entries = archive.infolist()
    size = sum(entry.file_size for entry in entries)
    if len(entries) > limits.ARCHIVE_ENTRIES or size > limits.ARCHIVE_BYTES:
        most = f"{limits.ARCHIVE_ENTRIES:,} entries and {_size(limits.ARCHIVE_BYTES)}"
        raise ValueError(f"unfolds to {len(entries):,} entries and {size:,} bytes; at most {most} are taken")
    for entry in entries:
        if entry.file_size > max(limits.UNFOLDED, limits.UNFOLDING * entry.compress_size):
            raise ValueError(f"its entry {entry.filename!r} unfolds to more than {limits.UNFOLDING} times its size")
        if entry.filename.endswith((".pth", ".pt", ".zip")):
            if not inner:
                raise ValueError(f"its entry {entry.filename!r} is an archive in an archive in an archive")
            with archive.open(entry) as file:
                if zipfile.is_zipfile(file):
                    with zipfile.ZipFile(file) as nested:
                        check_archive(nested, inner=inner - 1)


def check_tensors(head: bytes) -> None:
    """Checks the first 8 bytes of safetensors: the length of the header, which is unfolded before anything else.

    Raises:
        ValueError: it is too long.
    """
    if int.from_bytes(head[:8], "little") > limits.TENSORS_HEADER:
        raise ValueError(f"its header is larger than {_size(limits.TENSORS_HEADER)}")


def _size(number: int) -> str:
    for unit, size in (("GiB", limits.GIB), ("MiB", limits.MIB), ("KiB", limits.KIB)):
        if number >= size and not number % size:
            return f"{number / size:g} {unit}"
    return f"{number:,} bytes"
