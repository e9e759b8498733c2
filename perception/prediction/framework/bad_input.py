"""What to do about bad input: stop at the first piece, or go on without it and list what was skipped."""

from dataclasses import dataclass, field
from pathlib import Path

from preroll.errors import PrerollError


@dataclass
class Skipping:
    """Collects what was wrong with the data.

    Attributes:
        allowed: whether a bad piece is skipped; where not, it is an error.
        found: one line for each piece that was skipped.
    """

    allowed: bool = False
    found: list[str] = field(default_factory=list)

    def bad(self, path: Path | str, where: str, what: str) -> None:
        """Notes that one piece of the data cannot be used.

        Args:
            path: the file.
            where: row and column, or an id; empty for the whole file.
            what: what is wrong, and what is allowed.

        Raises:
            PrerollError: unless skipping is allowed.
        """
        line = f"{path}{', ' if where else ''}{where}: {what}"
        if not self.allowed:
            raise PrerollError(f"{line} (--skip-bad goes on without it)")
        self.found.append(line)
