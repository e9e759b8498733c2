"""Time and memory of exact values: ``preroll optimum`` on the demo catalog, and optima of up to a million videos.

    python benchmarks/bench_exact.py
    python benchmarks/bench_exact.py --million

CPU-seconds are without imports, with machine code from the cache; memory is the peak of the whole process, with the
catalog and the tables. Optima are of 8 fatigue levels, 6 ads and 40 slots; their memory is with the exact value of
their policy. A million videos with the last ad take 8 GiB of disk where ``TMPDIR`` points.
"""

import argparse
import subprocess
import sys
from pathlib import Path

AT_SIZE = """
import resource
import sys
import time
sys.path.insert(0, {folder!r})
from bench_env import catalog_of
from preroll.envs import Optimum, Scenario, Tables
changes = {{"session.no_ad": False, "user.fatigue.levels": 8, "user.repeat": {repeat}}}
changes["user.fatigue.wear"] = [1 - 0.08 * level for level in range(8)]
changes["user.leave.fatigue"] = [0.001 * level**2 for level in range(8)]
tables = Tables.compile(Scenario.load("fatigue").replace(changes), catalog_of({videos}))
assert (tables.n_levels, tables.n_actions, tables.n_slots) == (8, 6, 40)
start = time.process_time()
optimum = Optimum(tables)
optimum.value
took = time.process_time() - start
assert abs(optimum.value_of(optimum.policy) - optimum.value) < 1e-9 * optimum.value
print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""

COMMAND = """
import time
from preroll.commands.optimum import optimum
from preroll.envs import Optimum, Tables
import preroll.envs.optimum.belief, preroll.envs.optimum.reference_values, preroll.envs.policies.policy_map
start = time.process_time()
optimum(scenario={name!r}, catalog="demo", changes=None, plot=None, replace=False)
print(f"{{time.process_time() - start:.2f}} CPU-s")
"""


def main() -> None:
    """Prints one line for every scenario and size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--million", action="store_true", help="a million videos, for some minutes")
    million = parser.parse_args().million
    for name in () if million else ("classic", "fatigue"):
        last = [_told(COMMAND.format(name=name)).splitlines()[-1] for _ in range(2)]  # the first may compile
        print(f"preroll optimum, {name}: {last[1]}", flush=True)
    for videos in (1_000_000,) if million else (1_000, 100_000):
        for repeat in (1.0, 0.5):
            program = AT_SIZE.format(folder=str(Path(__file__).parent), videos=videos, repeat=repeat)
            seconds, memory = map(float, _told(program).split())
            last_ad = " with the last ad" if repeat < 1 else ""
            print(f"{videos:,} videos{last_ad}: {seconds:.1f} CPU-s, {memory:.2f} GiB", flush=True)


def _told(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()
