"""JSON files that begin with the SHA-256 of what follows, so that a damaged one is never believed."""

import json
from pathlib import Path
from typing import Any

from preroll.bounded import limits
from preroll.bounded.readers import read_bytes
from preroll.errors import PrerollError
from preroll.files.hashing import sha256_of_text

_BEFORE, _AFTER = '{\n  "seal": "', '",'
_LENGTH = len(_BEFORE) + 64 + len(_AFTER)


class DamagedError(PrerollError):
    """A file that is not what was written: it cannot be read, or its hash differs."""


def text_of(content: dict[str, Any], *, indent: int | None = 2) -> str:
    """Returns ``content``, which has at least one entry, as the text of a sealed file; NaN is refused."""
    rest = json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False)[1:] + "\n"
    return f"{_BEFORE}{sha256_of_text(rest)}{_AFTER}{rest}"


def read(path: Path) -> dict[str, Any]:
    """Returns the content of a sealed JSON file, without its seal.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedError: it cannot be read, has no seal, or is not what was sealed.
    """
    text = read_text(path)
    if not is_sealed(text):
        raise DamagedError(f"{path}: has no seal, so it is damaged, or was written by an older version or by hand")
    return unsealed(text, path)


def read_text(path: Path) -> str:
    """Returns the text of a file in UTF-8, byte for byte.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedError: it cannot be read.
    """
    try:
        return read_bytes(path, limits.JSON_TEXT).decode()
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise DamagedError(f"{path}: cannot be read: {error}") from None


def is_sealed(text: str) -> bool:
    """Returns whether a text begins like a sealed file."""
    return text.startswith(_BEFORE) and text[len(_BEFORE) + 64 : _LENGTH] == _AFTER


def unsealed(text: str, path: Path) -> dict[str, Any]:
    """Returns the content of the text of a sealed file; ``path`` is used in error messages only.

    Raises:
        DamagedError: the text is not what was sealed.
    """
    rest = text[_LENGTH:]
    if sha256_of_text(rest) != text[len(_BEFORE) : len(_BEFORE) + 64]:
        raise DamagedError(f"{path}: is not the file that was written: its seal does not match its content")
    try:
        content: dict[str, Any] = json.loads("{" + rest)
    except (ValueError, RecursionError) as error:  # sealed by someone else
        raise DamagedError(f"{path}: is not JSON: {error}") from None
    return content
