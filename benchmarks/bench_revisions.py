"""The environments of another revision against those of this tree: ``make bench-env AGAINST=REVISION``.

Pairs of fresh processes run in turns, one for each revision, so that neither other work on the machine nor where a
process happens to lay its memory favours one of them. A ratio is the median of the CPU-seconds of the other revision
over the median of this tree's: above 1 this tree is faster. Its 95 % interval is a percentile bootstrap over the pairs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
FIRST, SECOND = "other", "this"

#: Runs in each process: prints CPU-seconds of one call by name.
MEASURED = """
import json, time
import numpy as np
from preroll.envs import Policy, SessionEnv, SessionVectorEnv, Tables, preset_names, rollout
from preroll.perception import Catalog

def timed(action, seconds=0.06):
    action()
    start = time.process_time()
    action()
    calls = max(1, round(seconds / max(time.process_time() - start, 1e-7)))
    best = []
    for _ in range(3):
        start = time.process_time()
        for _ in range(calls):
            action()
        best.append((time.process_time() - start) / calls)
    return sorted(best)[1]

def stepping(tables, lanes):
    envs = SessionVectorEnv(lanes, tables=tables, copy=False, autoreset_mode="SameStep")
    actions = np.random.default_rng(1).integers(0, tables.n_actions, (16, lanes))
    envs.reset(seed=0)
    turn = iter(range(10**12))
    return lambda: envs.step(actions[next(turn) & 15])

def single(tables):
    env = SessionEnv(tables=tables)
    env.reset(seed=0)
    def run():
        for _ in range(100):
            if True in env.step(1)[2:4]:
                env.reset()
    return run

def wide(classes):
    rng, videos = np.random.default_rng(0), np.arange(1000)
    return Catalog.from_arrays(
        categories=("cars", "cats", "concerts"),
        category=videos % 3,
        neighbors=(videos[:, None] + np.cumsum(rng.integers(1, 83, (1000, 10)), axis=1)) % 1000,
        importance=rng.random((1000, classes), dtype=np.float32),
        classes=tuple(f"class {i}" for i in range(classes)),
    )

found = {}
for name in ("classic", "fatigue"):
    preset = name if name in preset_names() else "pacing"
    for classes in (80, 300):
        tables = Tables.compile(preset, wide(classes))
        found[f"vector step, 1,024 lanes, {classes} classes, {name}"] = timed(stepping(tables, 1024))
    tables = Tables.compile(preset, "demo")
    for lanes in (64, 1024, 16384):
        found[f"vector step, {lanes:,} lanes, {name}"] = timed(stepping(tables, lanes))
    found[f"single step, {name}"] = timed(single(tables))
    policy = Policy(probabilities=np.full(tables.n_actions, 1 / tables.n_actions))
    found[f"whole sessions, {name}"] = timed(lambda: rollout(tables, policy, seed=0, lanes=256, sessions_per_lane=10))
print(json.dumps(found))
"""


def unpacked(revision: str, folder: Path) -> Path:
    """Writes the files of a revision to a new folder, and returns it."""
    folder.mkdir()
    archive = subprocess.run(["git", "archive", revision], cwd=ROOT, check=True, capture_output=True)
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder


def measure(tree: Path, cache: Path) -> dict[str, float]:
    """Measures each action in a fresh process of ``tree``; returns the CPU-seconds of one call by name."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "NUMBA_CACHE_DIR": str(cache), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", MEASURED]
    done = subprocess.run(command, env=environment, cwd=tree, capture_output=True, text=True, check=True)
    times: dict[str, float] = json.loads(done.stdout)
    return times


def ratio(other: NDArray[np.float64], this: NDArray[np.float64]) -> tuple[float, float, float]:
    """Returns the ratio of the medians, and its 95 % interval over the pairs."""
    drawn = np.random.default_rng(0).integers(0, len(this), (10_000, len(this)))
    ratios = np.median(other[drawn], axis=1) / np.median(this[drawn], axis=1)
    low, high = np.quantile(ratios, (0.025, 0.975))
    return float(np.median(other) / np.median(this)), float(low), float(high)


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision", help="what to compare this tree with")
    parser.add_argument("--pairs", type=int, default=20, help="pairs of processes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trees = {FIRST: unpacked(options.revision, Path(folder) / "tree"), SECOND: ROOT}
        caches = {name: Path(folder) / f"cache-{name}" for name in trees}
        times: dict[str, list[dict[str, float]]] = {name: [] for name in trees}
        for name, tree in trees.items():  # compiles
            measure(tree, caches[name])
        for pair in range(options.pairs):
            for name in sorted(trees, reverse=bool(pair % 2)):
                times[name].append(measure(trees[name], caches[name]))
    print(f"this tree against {options.revision}: {options.pairs} pairs of processes, CPU-seconds")
    for what in times[SECOND][0]:
        other, this = (np.array([one[what] for one in times[name]]) for name in (FIRST, SECOND))
        value, low, high = ratio(other, this)
        print(f"{what:46} {np.median(this) * 1e6:10.2f} µs  {value:.3f}×  [{low:.3f}, {high:.3f}]")


if __name__ == "__main__":
    main()
