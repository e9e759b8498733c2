"""Provenance of results: the package versions, the code and the machine that made them, and the run they continue."""

import platform
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

import preroll
from preroll.run_folder import versions
from preroll.yaml_config import FileModel

PACKAGES = ("preroll", "numpy", "numba", "torch", "stable-baselines3", "gymnasium")
#: Between the values of a result that was made in parts: by a resumed training, or from a training made before.
AND = " + "
_SECONDS = 10.0


class Origin(FileModel):
    """Reference to the run that a training continues, and where that run ended."""

    path: str = Field(description="its folder relative to the run's, so that both may be moved together")
    sha256: str = Field(description="hash of its result.json")
    sessions: int = Field(ge=0, description="sessions of all curves so far; the new curve counts on from here")
    lane_sessions: int = Field(
        ge=0,
        lt=np.iinfo(np.int32).max,
        description="number within its lane of the first session that no lane had begun; every lane goes on with it",
    )
    regret: float = Field(description="sum of the regret of all sessions so far")


def provenance(*earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what makes the results of this process.

    Args:
        earlier: provenance of the parts of the result that were made before.

    Returns:
        ``versions`` by package; ``git``, the commit of the package's code, and ``changed``, whether tracked files
        differ from it, both None outside of a repository; ``machine``.
    """
    return merged(*earlier, {"versions": versions(PACKAGES), **_code(), "machine": machine()})


def merged(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the provenance of a result that was made in parts; values that differ are joined by :data:`AND`.

    Examples:
        >>> old, new = ({"versions": {"torch": torch}, "git": "5eed", "changed": False} for torch in ("2.7.1", "2.8.0"))
        >>> merged(old, new)
        {'versions': {'torch': '2.7.1 + 2.8.0'}, 'git': '5eed', 'changed': False, 'machine': None}
    """
    told = [part.get("versions", {}) for part in parts]
    names = dict.fromkeys(name for one in told for name in one)
    changed = [part["changed"] for part in parts if part.get("changed") is not None]
    return {
        "versions": {name: _joined(one.get(name) for one in told) for name in names},
        "git": _joined(part.get("git") for part in parts),
        "changed": any(changed) if changed else None,
        "machine": _joined(part.get("machine") for part in parts),
    }


def _joined(texts: Iterable[str | None]) -> str | None:
    return AND.join(dict.fromkeys(one for text in texts if text for one in text.split(AND))) or None


@cache
def _code() -> dict[str, Any]:
    """Returns the git state of the package's code, as it was when this process first asked."""
    folder = Path(preroll.__file__).resolve().parent
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None or _git(folder, "ls-files", "--error-unmatch", "__init__.py") is None:
        return {"git": None, "changed": None}  # installed: a repository around site-packages belongs to another project
    return {"git": commit, "changed": bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))}


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]  # workers ask at the same time
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


@cache
def machine() -> str:
    """Returns system, architecture and processor of this machine; not its name, which is nobody's business."""
    return ", ".join(filter(None, (f"{platform.system()} {platform.machine()}", _processor())))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
