"""Kinds of files that commands write, told by suffix and first bytes."""

import re
from dataclasses import dataclass
from pathlib import Path

#: As much of a file is read to tell its kind.
_BEGINNING = 4096


@dataclass(frozen=True)
class FileKind:
    """A kind of file.

    Attributes:
        name: what it is, for messages.
        suffixes: endings of its names, the usual one first.
        begins: what its first bytes match.
        any_suffix: whether a new file may have any other ending too.
    """

    name: str
    suffixes: tuple[str, ...]
    begins: re.Pattern[bytes]
    any_suffix: bool = False

    def has_suffix(self, path: Path) -> bool:
        """Returns whether the name of a file ends like this kind."""
        return path.suffix.lower() in self.suffixes

    def is_kind_of(self, path: Path) -> bool:
        """Returns whether the file ``path`` is of this kind, or empty."""
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
        return not beginning or (self.has_suffix(path) and self.begins.match(beginning) is not None)


def _kind(name: str, suffixes: str, begins: bytes, *, any_suffix: bool = False) -> FileKind:
    return FileKind(name, tuple(suffixes.split()), re.compile(begins, re.DOTALL | re.IGNORECASE), any_suffix)


#: What may stand before the first element of HTML and SVG.
_MARKUP = rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*"

# Text is told by what it lacks: control characters, and the beginning of something else that is written as text.
CSV = _kind("CSV table", ".csv", rb"(?!\s*(%PDF|[<{\[]))[^\x00-\x08\x0e-\x1f]*\Z", any_suffix=True)
JSON = _kind("JSON file", ".json", rb"\s*[{\[][^\x00-\x08\x0e-\x1f]*\Z", any_suffix=True)
CARD = _kind("model card", ".json", rb'\s*\{\s*"name"\s*:\s*"[^"]*"\s*,\s*"sha256"', any_suffix=True)
HTML = _kind("HTML page", ".html .htm", _MARKUP + rb"<(!doctype\s+html|html)\b")
ONNX = _kind("ONNX network", ".onnx", rb"\x08[\x01-\x7f]", any_suffix=True)
#: One that preroll wrote: any other network may be the only copy of somebody's work.
POLICY = _kind("policy that preroll exported", ".onnx", rb"\x08[\x01-\x7f]\x12\x07preroll")
#: What a person goes on with by hand: only an empty file is replaced without a word.
OWN_YAML = _kind("empty file", ".yaml .yml", rb"(?!)", any_suffix=True)
PARQUET = _kind("Parquet file", ".parquet", rb"PAR1")
PNG = _kind("PNG picture", ".png", rb"\x89PNG\r\n\x1a\n")
SVG = _kind("SVG picture", ".svg", _MARKUP + rb"(<!doctype\s+svg[^>]*>\s*)?(<!--.*?-->\s*)*<svg\b")
JPEG = _kind("JPEG picture", ".jpg .jpeg", rb"\xff\xd8\xff")
