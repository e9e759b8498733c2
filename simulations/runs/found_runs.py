"""The runs in a folder: finished, running, unfinished, killed and damaged ones."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from preroll.agents import storage
from preroll.console.nearest import meant, neighbors
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.files import atomic, manifest
from preroll.simulations.runs.run_files import contents, folders, is_run, is_written, name_of_work
from preroll.simulations.training import checkpoint
from preroll.simulations.training.curves import Curve
from preroll.simulations.training.run import Run, RunSettings, parse_settings, read_settings

_DAMAGE = (PrerollError, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
State = Literal["finished", "running", "unfinished", "killed", "damaged"]


@dataclass(frozen=True)
class FoundRun:
    """A run as it lies in its folder.

    Attributes:
        path: its folder, which an unfinished run does not have yet.
        state: "unfinished" can be resumed, "killed" cannot: it had no checkpoint yet.
        size: bytes of its files, those of its checkpoint included.
        changed: when its last file was written [s since 1970].
        agent, scenario: their names; empty where they cannot be read.
        sessions: number of sessions asked for, those of the runs that it continues included; None where unknown.
        seen: number of them that have ended.
        percent: revenue of the last ones in percent of the optimum; None where there is no point of the curve yet.
        why: what is damaged.
    """

    path: Path
    state: State
    size: int
    changed: float
    agent: str = ""
    scenario: str = ""
    sessions: int | None = None
    seen: int | None = None
    percent: float | None = None
    why: str = ""


def find_runs(folder: Path) -> list[FoundRun]:
    """Returns the runs in ``folder``, by name; what else is there is left alone.

    Raises:
        PrerollError: the folder cannot be read.
    """
    try:
        inside = sorted(path for path in folder.iterdir() if path.is_dir())
    except FileNotFoundError:
        raise PrerollError(f"{folder}: no such folder{meant(folder, neighbors(folder))}") from None
    except OSError as error:
        raise PrerollError(f"{folder}: cannot be read: {error.strerror}") from None
    names = {name_of_work(path) for path in inside} - {""} | {path.name for path in inside if is_run(path)}
    return [look_at(folder / name) for name in sorted(names)]


def look_at(run: Path) -> FoundRun:
    """Returns what is known of ``run``, of which at least one folder exists; damage is told, not raised."""
    files = [file for folder in folders(run) for file in contents(folder)]
    stats = [stat for file in files if (stat := _stat(file)) is not None]
    size, changed = sum(one.st_size for one in stats), max((one.st_mtime for one in stats), default=0.0)
    state = _state(run)
    try:
        told = _finished(run) if state == "finished" else _unfinished(run)
    except _DAMAGE as error:
        why = str(error) if isinstance(error, PrerollError) else f"{run}: {type(error).__name__}: {error}"
        return FoundRun(run, "damaged" if state != "running" else state, size, changed, why=" ".join(why.split())[:300])
    return FoundRun(run, state, size, changed, **told)


def _stat(file: Path) -> os.stat_result | None:
    try:
        return file.lstat()
    except OSError:  # its writer has just renamed it
        return None


def _state(run: Path) -> State:
    if is_written(run):
        return "running"
    if checkpoint.place(run).is_dir():
        return "unfinished"
    return "finished" if atomic.current(run).is_dir() else "killed"


def _finished(run: Path) -> dict[str, Any]:
    """Reads a finished run; its agent is checked, and not loaded."""
    found = Run.load(run)
    storage.read(found.files.verified(f"agent/{manifest.NAME}").parent)
    told = found.settings
    return {**_names(told, found.scenario.name), "seen": told.total_sessions, "percent": _percent(found.curve)}


def _unfinished(run: Path) -> dict[str, Any]:
    """Reads what there is of an unfinished run: its checkpoint, or the folder that is being written."""
    folder = max((path for path in folders(run) if path != run), key=_worth, default=run)
    if not _worth(folder) and is_written(run):
        return {}  # it has only just begun
    if not (folder / manifest.NAME).is_file():  # it is being written
        settings = parse_settings((folder / "settings.yaml").read_text("utf8"), folder / "settings.yaml")
        return _names(settings, Scenario.load(folder / "scenario.yaml").name)
    files = manifest.read(folder)
    settings, scenario = read_settings(files)
    told: dict[str, Any] = _names(settings, scenario.name)
    if "loop.json" in files.files:
        loop = files.read_json("loop.json")
        before = settings.total_sessions - settings.sessions
        told |= {"seen": before + int(loop["ledger"]["ended"]), "percent": _percent(Curve.from_dict(loop["curve"]))}
    return told


def _worth(folder: Path) -> int:
    """Returns how much a folder tells of an unfinished run."""
    return 2 * (folder / "loop.json").is_file() + (folder / "settings.yaml").is_file()


def _names(settings: RunSettings, scenario: str) -> dict[str, Any]:
    return {"agent": settings.agent, "scenario": scenario, "sessions": settings.total_sessions}


def _percent(curve: Curve) -> float | None:
    values = curve.values["session/percent_of_optimum"] if curve.sessions else []
    return float(values[-1]) if values and values[-1] is not None else None
