"""Files of a run: the folders that belong to one, and which names in them are its own."""

from pathlib import Path

from preroll.errors import PrerollError
from preroll.files import atomic, manifest, work_folder
from preroll.files.names import files_below
from preroll.run_folder import RESULT
from preroll.tensorboard_writer import NAME as EVENTS

_AGENT = {"agent/agent.json", "agent/arrays.safetensors", f"agent/{manifest.NAME}"}
#: The files of a run and of a checkpoint by name, for one whose manifest cannot be read.
_OWN = {"scenario.yaml", "settings.yaml", EVENTS, RESULT, "loop.json", "loop.safetensors", manifest.NAME, *_AGENT}


def is_run(folder: Path) -> bool:
    """Returns whether ``folder`` is a run, or the rest of one: other folders have a result and settings too."""
    if (kind := manifest.kind_of(folder)) is not None:
        return kind == "run"
    held = {name for name in ("scenario.yaml", "agent", "settings.yaml", RESULT) if (folder / name).exists()}
    return len(held) > 1 and not held.isdisjoint({"scenario.yaml", "agent"})


def name_of_work(place: Path) -> str:
    """Returns the name of the run that is written, or is to be resumed, in the work folder ``place``; empty if none."""
    name = place.name.removeprefix(".").removesuffix(work_folder.SUFFIX)
    if place.name != f".{name}{work_folder.SUFFIX}" or not work_folder.is_ours(place, name):
        return ""
    parts = (place / "checkpoint", place / work_folder.NEW, place / work_folder.OLD)
    return name if any((part / "scenario.yaml").exists() for part in parts) else ""


def folders(run: Path) -> list[Path]:
    """Returns the folders of ``run`` that exist: its own, its checkpoint, and the one in which it is written."""
    work = work_folder.beside(run)
    ours = (work / "checkpoint", work / work_folder.NEW, work / work_folder.OLD) if name_of_work(work) else ()
    return [path for path in (run, *ours) if path.is_dir()]


def is_written(run: Path) -> bool:
    """Returns whether a process is writing ``run``."""
    return atomic.writer_of(run) is not None


def contents(folder: Path) -> list[Path]:
    """Returns the files below ``folder``, links among them as such, and empty folders."""
    return [folder / name for name in files_below(folder)]


def strangers(folder: Path) -> list[Path]:
    """Returns what is in ``folder``, one of a run's, and is no file that preroll writes there."""
    try:
        known = {*manifest.read(folder).files, manifest.NAME}
    except (OSError, PrerollError):
        known = _OWN
    return [folder / name for name in manifest.strangers(folder, known) if name != "agent"]
