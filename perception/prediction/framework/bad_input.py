"""Handling of bad input: stop at the first bad piece, or skip it and record it."""

from dataclasses import dataclass, field
from pathlib import Path

from preroll.errors import PrerollError


@dataclass
class Skipping:
    """Policy for bad input, and the record of what was skipped.

    Attributes:
        allowed: whether bad pieces are skipped; if not, the first one is an error.
        found: one line per skipped piece.
    """

    allowed: bool = False
    found: list[str] = field(default_factory=list)

    def bad(self, path: Path | str, where: str, what: str) -> None:
        """Records an unusable piece of the data, or raises if skipping is not allowed.

        Args:
            path: the file.
            where: row and column, or an id; empty for the whole file.
            what: what is wrong, and what is allowed.

        Raises:
            PrerollError: skipping is not allowed.
        """
        line = f"{path}{', ' if where else ''}{where}: {what}"
        if not self.allowed:
            raise PrerollError(f"{line} (--skip-bad skips it)")
        self.found.append(line)
