"""Cost and memory of 1,000 ads in 50 categories on 10,000 videos: the optimum, evaluation and three learners.

    python benchmarks/bench_many_ads.py
    python benchmarks/bench_many_ads.py --only repeat,optimum

Each line is a process of its own, with machine code from the cache: CPU-seconds without imports, the largest memory of
the whole process until then, and what was done, or the line with which it was refused. Trainings play 200 sessions.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from preroll.envs import Scenario
from preroll.perception import Catalog

VIDEOS, CATEGORIES, ADS_OF_CATEGORY = 10_000, 50, 20
LEVELS = 6
SIX_LEVELS: dict[str, Any] = {
    "user.fatigue": {"levels": LEVELS, "wear": [1, 0.9, 0.75, 0.55, 0.35, 0.2], "gain": {"short": [0, 1]}},
    "user.leave": {"hazard": {"short": [0.02, 0.01]}, "fatigue": [0, 0.01, 0.02, 0.05, 0.1, 0.2]},
    "observe.fatigue": True,
}
WORLDS: dict[str, dict[str, Any]] = {
    "labels": {},
    "predicted": {"observe.category": "predicted"},
    "unlabeled": {"observe.category": "predicted"},
    "fatigue": SIX_LEVELS,
    "repeat": {"user.repeat": 0.5},
    "fatigue-repeat": {**SIX_LEVELS, "user.repeat": 0.5},
}
WORK = {
    "compile": "pass",
    "optimum": "from preroll.envs import Optimum; o = Optimum(tables); o.value; o.policy; o.knowledge.note",
    "evaluate": "evaluate({}, tables, sessions=1000)",
    **{
        name: f"r = train({name!r}, scenario=tables.scenario, catalog=tables.catalog, sessions=200); told('trained'); "
        "evaluate({'mine': r.agent}, tables, sessions=1000)"
        for name in ("thompson", "linucb", "ppo")
    },
}
PROGRAM = """
import resource
import sys
import time
sys.path.insert(0, {folder!r})
from bench_many_ads import world
from preroll.envs import Tables
from preroll.errors import PrerollError
from preroll.simulations import evaluate, train
import torch
torch.set_num_threads(1)
scenario, catalog = world({name!r})
start = time.process_time()

def told(what):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{{time.process_time() - start:.1f}} CPU-s, {{peak:.2f}} GiB, {{what}}", end="; ")

try:
    tables = Tables.compile(scenario, catalog)
    {work}
    told("done")
except PrerollError as error:
    told(f"refused: {{error}}")
"""


def world(name: str) -> tuple[Scenario, Catalog]:
    """Returns one of :data:`WORLDS`: random ads, and videos of which seven in ten are predicted correctly."""
    rng = np.random.default_rng(0)
    names = tuple(f"category{k:02}" for k in range(CATEGORIES))
    category = rng.integers(0, CATEGORIES, VIDEOS)
    guessed = np.where(rng.random(VIDEOS) < 0.7, category, rng.integers(0, CATEGORIES, VIDEOS))
    probabilities = 0.5 * np.eye(CATEGORIES)[guessed] + 0.5 * rng.dirichlet(np.ones(CATEGORIES), VIDEOS)
    steps = np.cumsum(rng.integers(1, VIDEOS // 12, (VIDEOS, 10)), axis=1)
    catalog = Catalog.from_arrays(
        categories=names,
        category=np.full(VIDEOS, -1) if name == "unlabeled" else category,
        neighbors=(np.arange(VIDEOS)[:, None] + steps) % VIDEOS,
        importance=rng.random((VIDEOS, 12), dtype=np.float32),
        classes=tuple(f"class {i}" for i in range(12)),
        category_probabilities=probabilities,
    )
    ads = {
        k: {
            f"ad{i:02}": {
                "length": "short",
                "seconds": 10,
                "view_probability": round(0.1 + 0.8 * rng.random(), 6),
                "reward": round(1 + 2 * rng.random(), 6),
            }
            for i in range(ADS_OF_CATEGORY)
        }
        for k in names
    }
    return Scenario.load({"name": name, "session": {"horizon": 20}, "ads": ads}).replace(WORLDS[name]), catalog


def main() -> None:
    """Prints a line for every world and work."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="a world, a work, or both with a comma")
    only = {word for word in parser.parse_args().only.split(",") if word}
    for name in WORLDS:
        for work, code in WORK.items():
            if only - {name, work}:
                continue
            program = PROGRAM.format(folder=str(Path(__file__).parent), name=name, work=code)
            done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
            told = (
                done.stdout.strip(" ;") or (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
            )
            print(f"{name:15}{work:10}{told}", flush=True)


if __name__ == "__main__":
    main()
