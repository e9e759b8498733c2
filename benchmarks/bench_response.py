"""Time and memory of ``response: catalog``: one P(view) for every video and ad, or the refusal where that is too much.

    python benchmarks/bench_response.py

The scenario is ``fatigue`` with 5 levels and "no ad", so that tables have videos × 5 × (ads + 1) lines. Each size has a
process of its own, with machine code from the cache; memory is the peak of the whole process after each step, and slots
are those of 1,024 lanes, beside those of the same scenario with a number for each ad.
"""

import subprocess
import sys
from pathlib import Path

AT_SIZE = """
import resource
import sys
import time
import numpy as np
sys.path.insert(0, {folder!r})
from bench_env import catalog_of
from preroll.envs import Optimum, SessionVectorEnv, Tables, greedy_policy
from preroll.errors import PrerollError
from preroll.perception import Catalog
videos, n_ads, own = {videos}, {ads}, {own}
plain = catalog_of(videos)
labels = sorted(f"{{plain.categories[i % 3]}}.a{{i:02}}" for i in range(n_ads))
table = np.random.default_rng(0).random((videos, n_ads), dtype=np.float32)
arrays = {{name: getattr(plain, name) for name in ("categories", "category", "neighbors", "importance", "classes")}}
catalog = Catalog.from_arrays(**arrays, response=table, response_ads=labels)
ads = {{}}
for i, label in enumerate(labels):
    group, name = label.split(".")
    ad = {{"seconds": 10, "reward": 1 + i % 3, "length": ("short", "long")[i % 2]}}
    ads.setdefault(group, {{}})[name] = ad if own else {{**ad, "view_probability": 0.5}}
levels = {{"levels": 5, "recovery": 1, "gain": {{"short": [0, 2], "long": [1, 3]}}, "wear": [1, 0.9, 0.7, 0.5, 0.3]}}
leave = {{"hazard": {{"short": [0.01, 0.02], "long": [0.02, 0.03]}}}}
scenario = {{"response": "catalog" if own else "ads", "ads": ads, "session": {{"horizon": 20, "no_ad": True}}}}
scenario |= {{"user": {{"fatigue": levels, "leave": leave}}, "observe": {{"fatigue": True}}}}
clock = time.process_time
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
def timed(call):
    start = clock()
    made = call()
    return made, clock() - start
before = peak()
try:
    tables, took = timed(lambda: Tables.compile(scenario, catalog))
except PrerollError as error:
    print(error)
    sys.exit()
told = f"compile {{took:.2f}} CPU-s, {{peak():.2f}} GiB ({{before:.2f}} before)"
env = SessionVectorEnv(1024, tables=tables, copy=False, autoreset_mode="SameStep")
env.reset(seed=0)
actions = np.random.default_rng(1).integers(0, n_ads + 1, (64, 1024))
def play(rounds):
    for _ in range(rounds):
        for row in actions:
            env.step(row)
play(1)
took = min(timed(lambda: play(6))[1] for _ in range(3))
told += f"; {{6 * 64 * 1024 / took / 1e6:.1f}} M slots / CPU-s"
if own:
    value, took = timed(lambda: Optimum(tables).value)
    told += f"; optimum {{took:.1f}} CPU-s, {{peak():.2f}} GiB"
    _, took = timed(lambda: greedy_policy(tables))
    told += f"; greedy {{took:.1f}} CPU-s, {{peak():.2f}} GiB"
print(told)
"""


def main() -> None:
    """Prints two lines for every size: with one P(view) for every video and ad, and with one for every ad."""
    for videos in (1_000, 10_000, 100_000):
        for ads in (12, 100):
            for own in (True, False):
                program = AT_SIZE.format(folder=str(Path(__file__).parent), videos=videos, ads=ads, own=own)
                done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
                kind = "of the catalog" if own else "of the ads    "
                print(f"{videos:>9,} videos, {ads:>3} ads, P(view) {kind}: {done.stdout.strip()}", flush=True)


if __name__ == "__main__":
    main()
