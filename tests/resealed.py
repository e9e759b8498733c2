"""What a forger does: files are changed, and the manifest names the new ones as if they had been written so."""

from pathlib import Path
from typing import Any

from preroll.files import manifest


def reseal(folder: Path) -> None:
    """Writes the manifest of a folder anew, after its files were changed."""
    before = manifest.read(folder)
    facts: dict[str, Any] = {
        name: before.content[name] for name in before.content.keys() - {"format", "version", "files"}
    }
    manifest.write(folder, before.kind, facts, about=lambda name: dict(before.files.get(name, {})))
