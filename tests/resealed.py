"""What a forger does: files are changed, and the manifest names the new ones as if they had been written so."""

from pathlib import Path
from typing import Any

from preroll.files import manifest


def reseal(folder: Path, **changes: Any) -> None:
    """Writes the manifest of a folder anew, after its files were changed, or with other facts."""
    before = manifest.read(folder)

    def about(name: str) -> dict[str, Any]:
        return {key: value for key, value in before.files.get(name, {}).items() if key not in ("sha256", "bytes")}

    own = ("format", "version", "files")
    facts = {key: value for key, value in before.content.items() if key not in own}
    manifest.write(folder, before.kind, facts | changes, about=about)
