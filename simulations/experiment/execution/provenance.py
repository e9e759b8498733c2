"""Provenance of results: the git state of the package's code, if it is in a repository."""

import subprocess
from pathlib import Path
from typing import Any

import preroll

_SECONDS = 10.0


def provenance() -> dict[str, Any]:
    """Returns the git commit of the package's code.

    Returns:
        ``{"git": commit, "changed": whether tracked files differ from it}``; both are None outside of a repository.
    """
    folder = Path(preroll.__file__).resolve().parent
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None or _git(folder, "ls-files", "--error-unmatch", "__init__.py") is None:
        return {"git": None, "changed": None}  # installed: a repository around site-packages belongs to another project
    return {"git": commit, "changed": bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
