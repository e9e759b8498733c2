"""What a forger does: files are changed, and the manifest names the new ones as if they had been written so."""

from pathlib import Path
from typing import Any

from preroll.files import manifest


def reseal(folder: Path, **changes: Any) -> None:
    """Writes the manifest of a folder anew, after its files were changed, or with other facts."""
    before = manifest.read(folder)
    facts: dict[str, Any] = {
        name: before.content[name] for name in before.content.keys() - {"format", "version", "files"}
    }
    about = {
        name: {key: entry[key] for key in entry.keys() - {"sha256", "bytes"}} for name, entry in before.files.items()
    }
    manifest.write(folder, before.kind, facts | changes, about=lambda name: about.get(name, {}))
