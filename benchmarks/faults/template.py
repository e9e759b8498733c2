"""The small folder that every trial begins with."""

import gzip
import shutil
from pathlib import Path

from benchmarks.faults.facts import add_bystanders
from benchmarks.faults.process import Fault, in_child, run
from benchmarks.faults.shim import KILL

_EXPERIMENT = """\
name: tiny
scenario: classic
agents: [random, {thompson: {num_envs: 16}}]
seeds: 1
sessions: 60
evaluate: {sessions: 100}
"""
_TAGS = """\
task: tags
run: tags-run
data: {folder: tags-data, vocabulary: tags-data/yt8m_voc.csv}
model: {name: linear}
training: {epochs: 1, seeds: [0]}
"""
#: Lines of the generated tables that are enough to train something.
_LINES = 120

#: What is made by commands, by the entry that it makes.
MADE = {
    "mine": "train thompson --sessions 300 --set num_envs=16 --run mine",
    "deep": "train dqn --sessions 100 --set num_envs=8 --run deep",
    "exp": "experiment run tiny.yaml --out exp --workers 1",
    "failed": "experiment run tiny.yaml --out failed --workers 1",
    "search": "tune thompson --out search --trials 2 --sessions 60 --set num_envs=16",
    "videos": "catalog demo-videos videos --per-category 4 --workers 2",
    "catalog": "catalog build videos --out catalog --workers 1",
    "tags-data": "predict generate tags --out tags-data",
    "tags-run": "predict train tags.yaml",
}


def make(folder: Path, wanted: set[str]) -> None:
    """Makes the entries of ``wanted``, and what they are made of."""
    (folder / "tiny.yaml").write_text(_EXPERIMENT)
    (folder / "tags.yaml").write_text(_TAGS)
    needed = {"mine", *wanted}
    needed |= {"tags-data"} if needed & {"tags-run"} else set()
    needed |= {"catalog"} if needed & {"tags", "own.yaml"} else set()
    needed |= {"videos"} if needed & {"catalog", "half/videos"} else set()
    for name, line in MADE.items():
        if name in needed:
            outcome = run(line.split(), folder)
            if outcome.status != 0:
                raise RuntimeError(f"preroll {line}: {outcome.status}\n{outcome.out}{outcome.err}")
        if name in needed and name == "tags-data":
            _shorten(folder / name)
    for name, made in _BY_HAND.items():
        if name in needed:
            in_child(made, folder)
    if "half/videos" in needed:
        _interrupt_build(folder / "half", folder / "videos")


def copy(template: Path, needs: tuple[str, ...], folder: Path) -> None:
    """Copies entries of the template to a new folder, among bystanders; the part ``half/`` of a name is left out."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    add_bystanders(folder)
    for name in needs:
        if (template / name).is_dir():
            shutil.copytree(template / name, folder / name.removeprefix("half/"))
        else:
            shutil.copy2(template / name, folder / name)


def _shorten(data: Path) -> None:
    for path in data.glob("*_*.csv*"):
        if path.name == "yt8m_voc.csv":
            continue
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt") as file:
            lines = file.readlines()[:_LINES]
        with (gzip.open if path.suffix == ".gz" else open)(path, "wt") as file:
            file.writelines(lines)


def _scenario(folder: Path) -> None:
    from preroll.envs import Scenario

    text = Scenario.load("classic").dump()
    (folder / "own.yaml").write_text(text)


def _archive(folder: Path) -> None:
    from stable_baselines3 import PPO

    from preroll.agents import PrerollVecEnv
    from preroll.envs import SessionVectorEnv

    env = PrerollVecEnv(SessionVectorEnv(4, scenario="classic", autoreset_mode="SameStep"))
    PPO("MlpPolicy", env, seed=1, device="cpu", n_steps=8, batch_size=32).save(folder / "sb3.zip")


def _predictions(folder: Path) -> None:
    import numpy as np

    from preroll.perception.catalog.catalog import Catalog
    from preroll.perception.prediction import Predictions
    from preroll.perception.prediction.catalog_update import bare_paths

    names = tuple(bare_paths(Catalog.load(folder / "catalog")))
    values = np.random.default_rng(0).random((len(names), 3)).astype(np.float32)
    Predictions("tags", names, ("one", "two", "three"), values).save(folder / "tags")


def _failed(folder: Path) -> None:
    from preroll.simulations.experiment.execution.store import Store

    store = Store(folder / "failed")
    cell = store.read_plan().cells[-1]
    shutil.rmtree(store.folder(cell))
    store.write_failures({cell.id: "it failed thrice"})


def _stopped(folder: Path) -> None:
    """Leaves a checkpoint of a training in its middle."""
    from preroll.errors import PrerollError
    from preroll.simulations.training.training import prepare

    training = prepare("dqn", sessions=100, run=folder / "stopped" / "deep", settings={"num_envs": 8})
    steps = iter(range(10_000))
    try:
        training.run(stop=lambda: 15 if next(steps) == 120 else 0)
    except PrerollError:
        shutil.move(folder / "stopped" / ".deep.preroll", folder / ".deep.preroll")


def _interrupt_build(half: Path, videos: Path) -> None:
    """Leaves a build that was killed in its second half."""
    shutil.copytree(videos, half / "videos")
    words = MADE["catalog"].split()
    calls = run(words, half).counts["write"]
    shutil.rmtree(half / "catalog")
    for part in (0.5, 0.6, 0.4, 0.7, 0.3, 0.8):
        run(words, half, Fault(KILL, "write", int(calls * part)))
        if any(path.is_file() and path.stat().st_size > 500 for path in half.glob(".catalog.preroll/**/*")):
            return
        shutil.rmtree(half / "catalog", ignore_errors=True)


#: What no command makes, by the entry that it makes.
_BY_HAND = {
    "own.yaml": _scenario,
    "sb3.zip": _archive,
    "tags": _predictions,
    "failed": _failed,
    ".deep.preroll": _stopped,
}
