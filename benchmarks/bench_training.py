"""Trainings of another revision against those of this tree: ``make bench-training AGAINST=REVISION``.

The whole training of a preset, in fresh processes that run in turns, one for each revision; for each agent the medians
over the seeds, in CPU-seconds without evaluation and with torch on one thread, of the training and until 95 % of the
optimum are earned, and the shares of the optimum that were learned, exact. Differences are paired by seed.

    python benchmarks/bench_training.py REVISION [AGENT …] [--scenario fatigue] [--content 300] [--seeds 5]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from bench_agents import interval
from bench_revisions import FIRST, ROOT, SECOND, ratio, unpacked

#: Runs in each process, with agent, scenario, seed, catalog and settings: prints seconds, share, and seconds to 95 %.
MEASURED = """
import json, sys
import numpy as np
from stopwatch import timed_training
from preroll.envs import Optimum, Tables
from preroll.perception import Catalog
from preroll.simulations import train

name, scenario, content, seed, whole = sys.argv[1:]
catalog = Catalog.load("demo")
if content:
    names = [f"class {number:04}" for number in range(int(content))]
    numbers = np.random.default_rng(0).random((len(catalog.category), len(names)), np.float32)
    given = {key: getattr(catalog, key) for key in ("categories", "category", "neighbors")}
    catalog = Catalog.from_arrays(**given, importance=numbers, classes=names)
train(name, scenario=scenario, catalog=catalog, seed=0, sessions=300)  # machine code and libraries are loaded here
result = train(name, scenario=scenario, catalog=catalog, seed=int(seed))
share = reached = float("nan")
if whole:
    tables = Tables.compile(scenario, catalog)
    optimum = Optimum(tables)
    share = optimum.value_of(result.agent.policy(tables)) / optimum.value
    reached = timed_training(name, tables, optimum, int(seed)).reached.get(0.95, reached)
print(json.dumps([result.cpu_seconds, share, reached]))
"""


def measure(tree: Path, cache: Path, name: str, seed: int, options: argparse.Namespace) -> list[float]:
    """Trains in a fresh process of ``tree``; returns CPU-seconds, share of the optimum and CPU-seconds to 95 %."""
    path = f"{tree}{os.pathsep}{tree / 'benchmarks'}"
    environment = {**os.environ, "PYTHONPATH": path, "PREROLL_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    how = [options.scenario, options.content, str(seed), "" if options.cost_only else "whole"]
    command = [sys.executable, "-c", MEASURED, name, *how]
    done = subprocess.run(command, env=environment, cwd=tree, stdout=subprocess.PIPE, text=True, check=True)
    found: list[float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measures and prints one block for each agent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", help="what to compare this tree with")
    parser.add_argument("agents", nargs="*", help="by default lean-ppo, dqn and ppo")
    parser.add_argument("--scenario", default="fatigue")
    parser.add_argument("--content", default="", help="random numbers of content that describe a video")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--cost-only", action="store_true", help="CPU-seconds of the training alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trees = {FIRST: unpacked(options.revision, Path(folder) / "tree"), SECOND: ROOT}
        caches = {name: Path(folder) / f"cache-{name}" for name in trees}
        for name in options.agents or ("lean-ppo", "dqn", "ppo"):
            found: dict[str, list[list[float]]] = {which: [] for which in trees}
            for seed in range(options.first_seed, options.first_seed + options.seeds):
                for which in sorted(trees, reverse=bool(seed % 2)):
                    found[which].append(measure(trees[which], caches[which], name, seed, options))
            other, this = (np.array(found[which]).T for which in (FIRST, SECOND))
            value, low, high = ratio(this[0], other[0])
            print(f"{name} on {options.scenario}, this tree and {options.revision}, {options.seeds} seeds")
            print(f"  CPU-seconds   {np.median(this[0]):6.2f} {np.median(other[0]):6.2f}   {value:.3f}×", end="")
            print(f"  [{low:.3f}, {high:.3f}]", flush=True)
            if options.cost_only:
                continue
            print(f"  … to 95 %     {np.median(this[2]):6.2f} {np.median(other[2]):6.2f}")
            gains = 100 * (this[1] - other[1])
            print(f"  % of optimum  {100 * np.median(this[1]):6.2f} {100 * np.median(other[1]):6.2f}", end="")
            print(f"   {gains.mean():+.2f} ± {interval(gains):.2f} points (paired)", flush=True)


if __name__ == "__main__":
    main()
