"""SHA-256 hashes of files and texts."""

import hashlib
from pathlib import Path


def sha256_of(path: Path) -> str:
    """Returns the hexadecimal SHA-256 of a file, which is read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_text(text: str) -> str:
    """Returns the hexadecimal SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()
