"""Files of a run: the folders that belong to one, which names are its own, and whether it is being written."""

import os
import re
from pathlib import Path

from preroll.run_folder import RESULT
from preroll.simulations.training import checkpoint
from preroll.tensorboard_writer import NAME as EVENTS

_AGENT = {"agent/agent.json", "agent/arrays.safetensors", "agent/manifest.json"}
#: The files of a run, of a checkpoint, and of a run that is not yet complete, by path within the folder.
OWN = {"scenario.yaml", "settings.yaml", EVENTS, RESULT, "loop.json", "loop.safetensors", *_AGENT}
#: Files that systems leave in any folder, which are nobody's.
NOBODYS = re.compile(r"\.DS_Store|\._.*|\.nfs.*|Thumbs\.db|desktop\.ini")
#: The end of the name of a folder that is being written beside NAME: ``.NAME`` and this.
_PART = re.compile(r"\.[a-z0-9_]{8}\.part")


def is_run(folder: Path) -> bool:
    """Returns whether ``folder`` is a run, or the rest of one: other folders have a result and settings too."""
    held = {name for name in ("scenario.yaml", "agent", "settings.yaml", RESULT) if (folder / name).exists()}
    return len(held) > 1 and not held.isdisjoint({"scenario.yaml", "agent"})


def name_of_part(name: str) -> str:
    """Returns the name of the run that is written to the hidden folder ``name``; empty if it is no such folder.

    Examples:
        >>> name_of_part(".mine.checkpoint"), name_of_part(".a.b.x1_y2z3w.part"), name_of_part(".git")
        ('mine', 'a.b', '')
    """
    stem = name.removesuffix(".checkpoint")
    stem = stem if stem != name else _PART.sub("", name) if _PART.search(name) else ""
    return stem[1:] if stem.startswith(".") else ""


def parts(run: Path) -> list[Path]:
    """Returns the folders beside ``run`` in which it is being written, or was when its writer was killed."""
    if not run.parent.is_dir():
        return []
    hidden = [path for path in run.parent.iterdir() if path.name.endswith(".part") and path.is_dir()]
    return sorted(path for path in hidden if name_of_part(path.name) == run.name)


def folders(run: Path) -> list[Path]:
    """Returns the folders of ``run`` that exist: its own, its checkpoint, and those in which it is written."""
    return [path for path in (run, checkpoint.place(run)) if path.is_dir()] + parts(run)


def is_written(run: Path) -> bool:
    """Returns whether a process is writing ``run``; the one place that knows how writers are recognised."""
    return any(map(_is_locked, parts(run)))


def _is_locked(folder: Path) -> bool:
    try:
        import fcntl
    except ImportError:  # without locks nobody can tell
        return True
    try:
        lock = os.open(folder, os.O_RDONLY)
    except OSError:  # gone: it has become the run
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return True
    finally:
        os.close(lock)
    return False


def contents(folder: Path) -> list[Path]:
    """Returns the files below ``folder``, links among them as such, and empty folders."""
    found = []
    for place, names, files in os.walk(folder):
        here = Path(place)
        found += [here / name for name in files]
        found += [here / name for name in names if (here / name).is_symlink() or not any((here / name).iterdir())]
    return sorted(found)


def strangers(folder: Path) -> list[Path]:
    """Returns what is in ``folder``, one of a run's, and is no file that preroll writes there."""
    return [
        path for path in contents(folder) if not (_is_own(path.relative_to(folder)) or NOBODYS.fullmatch(path.name))
    ]


def _is_own(path: Path) -> bool:
    # A file that was being written when its writer was killed: .NAME.x1y2z3w4.part
    written = path.with_name(name_of_part(path.name) or path.name)
    return path.as_posix() == "agent" or written.as_posix() in OWN
