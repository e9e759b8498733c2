"""Trainings of another revision against those of this tree: ``make bench-training AGAINST=REVISION``.

The whole training of a preset, in fresh processes that run in turns, one for each revision; for each agent the medians
over the seeds, in CPU-seconds without evaluation and with torch on one thread, of the training and until 95 % of the
optimum are earned, and the shares of the optimum that were learned, exact. Differences are paired by seed.

    python benchmarks/bench_training.py REVISION [AGENT …] [--scenario fatigue] [--seeds 5] [--first-seed 0]
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
from stopwatch import timed_training
from preroll.envs import Optimum, Tables
from preroll.simulations import train

name, scenario, seed, timed = sys.argv[1:]
train(name, scenario=scenario, seed=0, sessions=300)  # machine code and libraries are loaded here
result = train(name, scenario=scenario, seed=int(seed))
tables = Tables.compile(scenario, "demo")
optimum = Optimum(tables)
share = optimum.value_of(result.agent.policy(tables)) / optimum.value
reached = timed_training(name, tables, optimum, int(seed)).reached if timed else {}
print(json.dumps([result.cpu_seconds, share, reached.get(0.95, float("nan"))]))
"""


def measure(tree: Path, cache: Path, name: str, scenario: str, seed: int, timed: bool) -> list[float]:
    """Trains in a fresh process of ``tree``; returns CPU-seconds, share of the optimum and CPU-seconds to 95 %."""
    path = f"{tree}{os.pathsep}{tree / 'benchmarks'}"
    environment = {**os.environ, "PYTHONPATH": path, "PREROLL_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", MEASURED, name, scenario, str(seed), "yes" if timed else ""]
    done = subprocess.run(command, env=environment, cwd=tree, stdout=subprocess.PIPE, text=True, check=True)
    found: list[float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measures and prints one block for each agent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", help="what to compare this tree with")
    parser.add_argument("agents", nargs="*", help="by default lean-ppo, dqn and ppo")
    parser.add_argument("--scenario", default="fatigue")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--untimed", action="store_true", help="without the time to 95 %%, which is another training")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trees = {FIRST: unpacked(options.revision, Path(folder) / "tree"), SECOND: ROOT}
        caches = {name: Path(folder) / f"cache-{name}" for name in trees}
        for name in options.agents or ("lean-ppo", "dqn", "ppo"):
            found: dict[str, list[list[float]]] = {which: [] for which in trees}
            for seed in range(options.first_seed, options.first_seed + options.seeds):
                for which in sorted(trees, reverse=bool(seed % 2)):
                    one = measure(trees[which], caches[which], name, options.scenario, seed, not options.untimed)
                    found[which].append(one)
            other, this = (np.array(found[which]).T for which in (FIRST, SECOND))
            value, low, high = ratio(this[0], other[0])
            print(f"{name} on {options.scenario}, this tree and {options.revision}, {options.seeds} seeds")
            print(f"  CPU-seconds   {np.median(this[0]):6.2f} {np.median(other[0]):6.2f}   {value:.3f}×", end="")
            print(f"  [{low:.3f}, {high:.3f}]\n  … to 95 %    {np.median(this[2]):6.2f} {np.median(other[2]):6.2f}")
            gains = 100 * (this[1] - other[1])
            print(f"  % of optimum  {100 * np.median(this[1]):6.2f} {100 * np.median(other[1]):6.2f}", end="")
            print(f"   {gains.mean():+.2f} ± {interval(gains):.2f} points (paired)", flush=True)


if __name__ == "__main__":
    main()
