"""Checkpoint of an unfinished training: the folder ``.NAME.preroll/checkpoint`` beside the run ``NAME``.

```
scenario.yaml, settings.yaml   as in a run
agent/                         the agent, with its whole training state
loop.safetensors, loop.json    state of the environment, ledger and curves, late feedback; time spent, provenance
manifest.json                  hashes of all of these; written last
```

A checkpoint is replaced as a whole, so a kill at any moment leaves the previous one. With the same number of threads
and the same package versions, a resumed training ends bit for bit like an uninterrupted one; :func:`differences` lists
what has changed.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

import numpy as np

from preroll.agents.loading import load_agent
from preroll.bounded.readers import check_tensors
from preroll.envs.model.tables import Tables
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.errors import PrerollError
from preroll.files import atomic, manifest, work_folder
from preroll.files.hashing import sha256_of
from preroll.files.manifest import Manifest
from preroll.run_folder import CHECKPOINT, threads, versions
from preroll.simulations.training.loop import Loop
from preroll.simulations.training.provenance import PACKAGES, merged
from preroll.simulations.training.run import RunSettings, load_catalog, read_settings, write_settings

#: Of `loop.json`; checkpoints 1 and 2 had none of their own but that of their agent.
FORMAT = 4
_DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError)


class Stopped(NamedTuple):
    """An unfinished training, as stored in its checkpoint.

    Attributes:
        loop: the loop, between two steps.
        tables: the scenario on the catalog.
        settings: settings of the run that it becomes.
        seconds: wall-clock and CPU time spent so far [s].
        provenance: what made it so far; see :mod:`preroll.simulations.training.provenance`.
        stamp: hash of the checkpoint that it was read from; empty before it is saved.
    """

    loop: Loop
    tables: Tables
    settings: RunSettings
    seconds: tuple[float, float]
    provenance: Mapping[str, Any]
    stamp: str = ""


def place(run: Path) -> Path:
    """Returns the checkpoint folder of ``run``."""
    return work_folder.beside(atomic.destination(run)) / CHECKPOINT


def save(run: Path, stopped: Stopped) -> None:
    """Writes the checkpoint of ``run``."""
    from safetensors.numpy import save as as_safetensors

    loop = stopped.loop
    with atomic.writing(run), atomic.folder(place(run), "checkpoint", f"--run {run}") as folder:
        write_settings(folder, stopped.settings, stopped.tables.scenario)
        loop.agent.save(folder / "agent", training=True)
        arrays = {name: np.asarray(array, order="C") for name, array in loop.state_arrays().items()}
        atomic.write_bytes(folder / "loop.safetensors", as_safetensors(arrays))
        about = {"format": FORMAT, "seconds": list(stopped.seconds), "surroundings": surroundings()}
        about["provenance"] = dict(stopped.provenance)
        atomic.write_json(folder / "loop.json", {**about, **loop.state_scalars()})


def load(run: Path) -> Stopped:
    """Reads the checkpoint of ``run``.

    Raises:
        PrerollError: there is no checkpoint, or it cannot be read.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_safetensors

    read, files = stamp(run), _read_manifest(run)
    folder = files.folder
    scalars = _read_about(files)
    settings, scenario = read_settings(files)
    tables = Tables.compile(scenario, load_catalog(settings.catalog, run, folder / "settings.yaml"))
    agent = load_agent(folder / "agent")
    exact = PhasedOptimum(tables)
    loop = Loop(agent, tables, settings.sessions, exact, settings.origin, settings.feedback)
    try:
        wall, cpu = (float(spent) for spent in scalars["seconds"])
        arrays = files.read_bytes("loop.safetensors")
        check_tensors(arrays)
        loop.load_state(from_safetensors(arrays), scalars)
        made_by = merged(scalars.get("provenance", {}))  # not in older checkpoints
    except (PrerollError, SafetensorError, *_DAMAGE) as error:
        raise _damaged(folder, error) from None
    return Stopped(loop, tables, settings, (wall, cpu), made_by, read)


def stamp(run: Path) -> str:
    """Returns a hash of the checkpoint of ``run``, another one after every save; empty if there is none."""
    try:
        return sha256_of(atomic.current(place(run)) / manifest.NAME)
    except OSError:
        return ""


def _read_manifest(run: Path) -> Manifest:
    """Reads the manifest of the checkpoint of ``run``.

    Raises:
        PrerollError: there is no checkpoint, or it cannot be read.
    """
    try:
        return manifest.read(atomic.current(place(run)), "checkpoint")
    except FileNotFoundError:
        told = "there is no stopped training to resume"
        if manifest.kind_of(atomic.current(run)) == "run":
            told = f"is finished; train it on with `preroll train --continue {quote(str(run))} --sessions N`"
        raise PrerollError(f"run {run}: {told}") from None


def _read_about(files: Manifest) -> dict[str, Any]:
    """Returns the content of a checkpoint's ``loop.json``.

    Raises:
        PrerollError: it cannot be read, or has another format.
    """
    folder = files.folder
    try:
        told: dict[str, Any] = files.read_json("loop.json")
        number, around = told.get("format"), dict(told["surroundings"])
    except _DAMAGE as error:
        raise _damaged(folder, error) from None
    if number != FORMAT:
        raise PrerollError(f"{folder / 'loop.json'}: format {number!r} is unknown; this version reads {FORMAT}")
    return {**told, "surroundings": around}


def _damaged(folder: Path, error: Exception) -> PrerollError:
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return PrerollError(
        f"{folder}: its loop.json and loop.safetensors are not what a stopped training leaves: {reason}"
    )


def surroundings() -> dict[str, str]:
    """Returns what rounding depends on besides the saved state: package versions and the number of threads."""
    return {**versions(PACKAGES), "threads": str(threads())}


def differences(run: Path) -> list[str]:
    """Returns what has changed since the checkpoint of ``run`` was written, such as ``torch 2.8.0, was 2.7.1``."""
    now = surroundings()
    before = _read_about(_read_manifest(run))["surroundings"]
    return [f"{name} {now.get(name)}, was {was}" for name, was in before.items() if now.get(name) != was]


def remove(run: Path) -> None:
    """Removes the checkpoint of a run that is complete or is started over."""
    with atomic.writing(run):
        folder = place(run)
        for there in (folder, work_folder.beside(folder)):
            shutil.rmtree(there, ignore_errors=True)
