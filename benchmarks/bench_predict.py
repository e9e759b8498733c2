"""Accuracy and cost of tag predictors on real YouTube-8M features: ``make bench-predict``.

`python benchmarks/bench_predict.py [targets] [neighbours] [large]` runs the named parts, all by default. Needs
../shared/realdata/youtube8m (7,236 training and 1,206 validation videos). Everything runs on one thread.

* ``targets``: `gated` with three seeds and `linear` with one, against their targets.
* ``neighbours``: the recommender's tag space against raw features.
* ``large``: a run of the size of the whole collection (the given files repeated six times: 43,416 videos): its memory
  and the time of an epoch.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.bounded.yaml_text import dump_yaml
from preroll.perception.features.neighbors import nearest_neighbors
from preroll.perception.prediction.catalog_update import tag_vectors
from preroll.perception.prediction.formats.yt8m.arrays import TagArrays
from preroll.perception.prediction.framework.bad_input import Skipping
from preroll.perception.prediction.framework.settings import TagSettings
from preroll.perception.prediction.run import open_run
from preroll.perception.prediction.tags.task import Tags

DATA = Path("../shared/realdata/youtube8m")
COPIES = 6


def main() -> None:
    """Runs the requested parts; prints one line for each number."""
    parts = {"targets": targets, "neighbours": neighbors, "large": large}
    asked = sys.argv[1:] or list(parts)
    if unknown := [name for name in asked if name not in parts]:
        sys.exit(f"{unknown[0]}: must be one of {', '.join(parts)}")
    if not DATA.is_dir():
        sys.exit(f"needs {DATA}")
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        for name in asked:
            parts[name](Path(folder))


def targets(home: Path) -> None:
    """Measures both models against their targets."""
    gated = train(home, "gated", {"data": data(DATA, home), "training": {"seeds": [0, 1, 2]}})
    seeds = gated["by_seed"]
    for name, target in (("GAP@20", 0.635), ("Hit@1", 0.745), ("Hit@5", 0.85), ("Hit@20", 0.895)):
        told(f"gated, {name}, mean of 3 seeds", float(np.mean(seeds[name])), target)
        told(f"gated, {name}, of the seeds' mean prediction", gated["metrics"][name], target)
    told("gated, CPU-s of a seed's training", max(gated["training_cpu_seconds"]), 90, most=True)
    linear = {"name": "linear", "input_dropout": 0.2}
    run = train(home, "linear", {"data": data(DATA, home), "model": linear, "training": {"epochs": 8, "seeds": [0]}})
    told("linear, GAP@20", run["metrics"]["GAP@20"], 0.58)
    told("always the likeliest label, Hit@1", run["metrics"]["Hit@1, always the likeliest"])


def data(folder: Path, home: Path) -> dict[str, str]:
    """Returns the data section of the settings."""
    return {"folder": str(folder), "cache": str(home / "arrays")}


def train(home: Path, name: str, settings: dict[str, object]) -> dict[str, object]:
    """Runs `preroll predict train` in its own process and returns its result."""
    path = home / f"{name}.yaml"
    path.write_text(dump_yaml({"task": "tags", "run": str(home / name), **settings}))
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "preroll", "predict", "train", str(path)], check=True, stdout=subprocess.DEVNULL
    )
    print(f"  ({name}: {time.perf_counter() - began:.0f} s)", flush=True)
    found: dict[str, object] = json.loads((home / name / "result.json").read_text())
    return found


def neighbors(home: Path) -> None:
    """Measures how many of the ten neighbours of a training video share a label, by tags and by raw features.

    Each half of the training files is predicted by a network trained on the other half; and then all of them by a
    network trained on these same videos, which is optimistic, since it has seen their labels.
    """
    odd, even = "train_*[13579].csv.gz", "train_*[02468].csv.gz"
    predicted, parts = [], []
    for number, (learned, held) in enumerate(((odd, even), (even, odd))):
        files = data(DATA, home) | {"train": learned, "validation": held}
        train(home, f"half-{number}", {"data": files, "training": {"seeds": [0]}})
        part, found = predictions(home / f"half-{number}", files)
        parts.append(part)
        predicted.append(found)
    labels = np.concatenate([part.targets() for part in parts])
    sharing("by raw features", np.concatenate([part.features for part in parts]), labels)
    sharing("by tags out of fold", tag_vectors(np.concatenate(predicted)), labels)
    train(home, "whole", {"data": data(DATA, home), "training": {"seeds": [0]}})
    part, found = predictions(home / "whole", data(DATA, home) | {"validation": "train_*.csv.gz", "train": "val_*"})
    sharing("by tags in sample", tag_vectors(found), part.targets())


def predictions(run: Path, files: dict[str, str]) -> tuple[TagArrays, NDArray[np.float32]]:
    """Returns the videos of the validation files, and the predictions of a run for them."""
    task = Tags(TagSettings.model_validate({"task": "tags", "run": str(run), "data": files}))
    return task.load(Skipping()).validation, task.apply(open_run(run), Skipping())[1]


def sharing(what: str, space: NDArray[np.float32], labels: NDArray[np.bool_]) -> None:
    """Prints the share of neighbours that share a label."""
    nearest, _ = nearest_neighbors(space)
    of = labels.astype(np.float32)
    shares = [float((of[near] @ of[row] > 0).mean()) for row, near in enumerate(nearest)]
    told(f"neighbours that share a label, {what}", float(np.mean(shares)))


def large(home: Path) -> None:
    """Runs one epoch on as many videos as the whole collection has, conversion included."""
    folder = home / "large"
    folder.mkdir()
    for path in DATA.glob("*_*.csv.gz"):
        for copy in range(COPIES if path.name.startswith("train") else 1):
            (folder / path.name.replace("_", f"_{copy}_")).symlink_to(path.absolute())
    settings = {"data": data(folder, home), "training": {"epochs": 1, "seeds": [0]}}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = train(home, "large-run", settings)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"large: {run['videos']}; conversion, epoch and export {after.ru_utime - before.ru_utime:.0f} CPU-s")
    told("large, CPU-s of an epoch", run["training_cpu_seconds"][0], 60, most=True)
    # ru_maxrss is the maximum over all children so far, hence an upper bound for the large run.
    told("large, peak memory [GiB]", after.ru_maxrss / 2**20, 4, most=True)


def told(name: str, value: float, target: float | None = None, *, most: bool = False) -> None:
    """Prints one number, its target, and whether it is met."""
    if target is None:
        print(f"{name:60} {value:8.4f}", flush=True)
        return
    met = value <= target if most else value >= target
    print(f"{name:60} {value:8.4f}  {'≤' if most else '≥'} {target}  {'met' if met else 'MISSED'}", flush=True)


if __name__ == "__main__":
    main()
