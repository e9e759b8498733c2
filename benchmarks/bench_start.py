"""Time until something happens: first steps, first sessions and the first evaluation, without machine code and with it.

    python benchmarks/bench_start.py [--turns 3]

Every figure is of a process of its own, imports included, in CPU-seconds and seconds of wall; medians of the turns.
``cold`` begins with an empty ``PREROLL_CACHE``, ``cached`` with what the cold one left there.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from statistics import median

SINGLE = """
import gymnasium, preroll
env = gymnasium.make("preroll/Session-v0", scenario="fatigue")
env.reset(seed=1)
for _ in range({steps}):
    if any(env.step(0)[2:4]):
        env.reset()
"""
VECTOR = """
import gymnasium, numpy, preroll
envs = gymnasium.make_vec("preroll/Session-v0", 64, "vector_entry_point", scenario="fatigue")
envs.reset(seed=1)
envs.step(numpy.zeros(64, numpy.int64))
"""
EVALUATE = """
from preroll.envs import Tables
from preroll.simulations import evaluate
evaluate({}, Tables.compile("fatigue", "demo"), sessions=2000)
"""
PROGRAMS = {
    "single environment, first step": (SINGLE.format(steps=1), "2; 0.9"),
    "single environment, 100 steps": (SINGLE.format(steps=100), "2.5; -"),
    "single environment, 5,000 steps": (SINGLE.format(steps=5000), ""),
    "64 lanes, first step": (VECTOR, "6; -"),
    "first evaluation (random, greedy, optimum)": (EVALUATE, "8; -"),
}
REPORT = """
import os, time
print(sum(os.times()[:2]), time.monotonic() - float(os.environ["STARTED"]))
"""


def run(program: str, cache: str) -> tuple[float, float]:
    """Returns CPU-seconds and seconds of wall of a program in a process of its own."""
    environment = {**os.environ, "PREROLL_CACHE": cache, "OMP_NUM_THREADS": "1", "STARTED": str(time.monotonic())}
    done = subprocess.run(
        [sys.executable, "-c", program + REPORT], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    cpu, wall = done.stdout.splitlines()[-1].split()
    return float(cpu), float(wall)


def main() -> None:
    """Prints one line for every program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=3, help="processes for every figure (default: 3)")
    turns = parser.parse_args().turns
    print(f"{'CPU-seconds (wall)':42}{'cold':>16}{'cached':>16}   goal (cold; cached)")
    for name, (program, goal) in PROGRAMS.items():
        times: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
        for _ in range(turns):
            with tempfile.TemporaryDirectory() as cache:
                for of_kind in times:
                    of_kind.append(run(program, cache))
        cells = [f"{median(cpu for cpu, _ in kind):.2f} ({median(wall for _, wall in kind):.2f})" for kind in times]
        print(f"{name:42}{cells[0]:>16}{cells[1]:>16}   {goal}", flush=True)


if __name__ == "__main__":
    main()
