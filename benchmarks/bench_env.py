"""Speed of the environments, as ratios measured side by side in one run: ``make bench-env``.

Every ratio compares two operations that alternate in this process, on one thread: the medians of their CPU-seconds over
all turns. Absolute times would say more about the machine and its load than about the code. A ratio above 1 means that
the environment is faster than its reference.

``--scenario`` and ``--quick`` narrow the run. The exit status is always 0: targets are printed, not enforced.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv
from numba import njit
from stable_baselines3.common.vec_env import DummyVecEnv

import preroll  # noqa: F401  (registers the environment)
from preroll.agents import PrerollVecEnv
from preroll.envs import Policy, SessionVectorEnv, Tables, rollout
from preroll.envs.policies.policy import axes
from preroll.perception import Catalog

TURNS = 15
SECONDS = 0.02  # CPU time of one turn
N_CLASSES = 12  # object classes, as in the demo catalog

Action = Callable[[], Any]


@dataclass(frozen=True)
class Row:
    """One row of the table: measured value, target and stretch target."""

    what: str
    measured: str
    at_least: str
    stretch: str = ""


def seconds_of(actions: dict[str, Action], turns: int) -> dict[str, float]:
    """Measures CPU-seconds per call of each action: medians over turns in which the actions alternate."""
    calls = {}
    for name, action in actions.items():
        action()
        start = time.process_time()
        action()
        calls[name] = max(1, round(SECONDS / max(time.process_time() - start, 1e-7)))
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(turns):
        for name, action in actions.items():
            start = time.process_time()
            for _ in range(calls[name]):
                action()
            times[name].append((time.process_time() - start) / calls[name])
    return {name: median(values) for name, values in times.items()}


@njit(error_model="numpy")  # type: ignore[untyped-decorator]
def gather(rows: Any, videos: Any, out: Any) -> None:
    """Copies the observation row of every lane's video to ``out``, and nothing else: the memory limit."""
    for i in range(videos.shape[0]):
        video = videos[i]
        for k in range(rows.shape[1]):
            out[i, k] = rows[video, k]


def catalog_of(n_videos: int, n_classes: int = N_CLASSES) -> Catalog:
    """Returns a catalog of random videos of three categories with ten neighbours each."""
    rng = np.random.default_rng(0)
    steps = np.cumsum(rng.integers(1, n_videos // 12, (n_videos, 10)), axis=1)
    return Catalog.from_arrays(
        categories=("cars", "cats", "concerts"),
        category=rng.integers(0, 3, n_videos),
        neighbors=(np.arange(n_videos)[:, None] + steps) % n_videos,
        importance=rng.random((n_videos, n_classes), dtype=np.float32),
        classes=tuple(f"class {i}" for i in range(n_classes)),
    )


def stepping(tables: Tables, lanes: int) -> Action:
    """Returns an action that makes one vector step, as the training loop does."""
    envs = SessionVectorEnv(lanes, tables=tables, copy=False, autoreset_mode="SameStep")
    ads = np.random.default_rng(1).integers(0, tables.n_actions, (16, lanes))
    envs.reset(seed=0)
    turn = iter(range(10**12))
    return lambda: envs.step(ads[next(turn) & 15])


def gathering(tables: Tables, lanes: int) -> Action:
    """Returns an action that gathers the same observations for random videos, at the memory limit."""
    rows = np.empty(tables.arrays.rows.shape, np.float32)  # like the tables' own rows: an array with large pages
    rows[:] = tables.arrays.rows
    videos = np.random.default_rng(1).integers(0, tables.n_videos, (16, lanes)).astype(np.int32)
    out = np.empty((lanes, rows.shape[1]), np.float32)
    turn = iter(range(10**12))
    return lambda: gather(rows, videos[next(turn) & 15], out)


def cart_poles(lanes: int) -> Action:
    """Returns an action that makes one step of Gymnasium's own vector environment."""
    envs = CartPoleVectorEnv(lanes)
    envs.reset(seed=0)
    actions = np.random.default_rng(1).integers(0, 2, lanes)
    return lambda: envs.step(actions)


def single(env: gym.Env[Any, Any], action: int) -> Action:
    """Returns an action that makes a hundred steps of one environment, including its resets."""
    env.reset(seed=0)

    def run() -> None:
        """Runs a hundred steps."""
        for _ in range(100):
            if True in env.step(action)[2:4]:
                env.reset()

    return run


def vector_rows(scenario: str, turns: int) -> list[Row]:
    """Compares the vector step with the memory limit and with CartPole."""
    rows, small = [], Tables.compile(scenario, catalog_of(1_000))
    for n, classes, lanes, at_least, stretch in (
        (1_000, N_CLASSES, 64, "45 %", "60 %"),
        (1_000, N_CLASSES, 1_024, "50 %", "70 %"),
        (1_000, N_CLASSES, 16_384, "50 %", "70 %"),
        (1_000, 80, 1_024, "55 %", "70 %"),  # classes of COCO
        (1_000, 300, 1_024, "65 %", "80 %"),
        (1_000_000, N_CLASSES, 16_384, "90 %", "100 %"),
    ):
        tables = Tables.compile(scenario, catalog_of(n, classes))
        took = seconds_of({"step": stepping(tables, lanes), "gather": gathering(tables, lanes)}, turns)
        share, per_lane = took["gather"] / took["step"], took["step"] / lanes * 1e9
        what = f"vector step / memory limit, {n:,} videos, {classes} classes, {lanes:,} lanes"
        rows.append(Row(what, f"{share:.0%} ({per_lane:.0f} ns a lane)", at_least, stretch))
    for lanes, at_least, stretch in ((64, "8×", "12×"), (1_024, "4×", "5×"), (16_384, "2×", "3×")):
        took = seconds_of({"step": stepping(small, lanes), "cart": cart_poles(lanes)}, turns)
        what = f"vector step / CartPoleVectorEnv, {lanes:,} lanes"
        rows.append(Row(what, f"{took['cart'] / took['step']:.1f}×", at_least, stretch))
    return rows


def single_row(scenario: str, turns: int) -> Row:
    """Compares the single environment with CartPole-v1, both through ``gym.make``."""
    env = gym.make("preroll/Session-v0", scenario=scenario, catalog=catalog_of(1_000))
    took = seconds_of({"step": single(env, 1), "cart": single(gym.make("CartPole-v1"), 1)}, turns)
    measured = f"{took['cart'] / took['step']:.1f}× ({took['step'] * 1e4:.1f} µs a step)"
    return Row("single step / CartPole-v1, through gym.make", measured, "1×", "2×")


def adapter_rows(scenario: str, turns: int) -> list[Row]:
    """Compares the adapter for stable-baselines3 with eight single environments in DummyVecEnv, per session-step."""
    catalog = catalog_of(1_000)
    tables = Tables.compile(scenario, catalog)
    dummy = DummyVecEnv([lambda: gym.make("preroll/Session-v0", scenario=scenario, catalog=catalog) for _ in range(8)])
    dummy.reset()
    eight = np.zeros(8, np.int64)
    rows = []
    for lanes, at_least in ((64, "40×"), (1_024, "250×")):
        adapter = PrerollVecEnv(SessionVectorEnv(lanes, tables=tables, copy=False, autoreset_mode="SameStep"))
        adapter.reset()
        ads = np.zeros(lanes, np.int64)
        took = seconds_of({"adapter": lambda a=adapter, b=ads: a.step(b), "dummy": lambda: dummy.step(eight)}, turns)
        ratio = (took["dummy"] / 8) / (took["adapter"] / lanes)
        rows.append(Row(f"SB3 adapter, {lanes:,} lanes / DummyVecEnv(8)", f"{ratio:.0f}×", at_least))
    return rows


def rollout_row(scenario: str, turns: int) -> Row:
    """Compares whole sessions in the kernel with the vector step at 1,024 lanes, in session-steps per CPU-second."""
    tables = Tables.compile(scenario, catalog_of(1_000))
    ads = np.random.default_rng(1).integers(0, tables.n_actions, axes(tables)).astype(np.int16)
    policy, lanes = Policy(ads=ads), 1_024
    slots = int(rollout(tables, policy, seed=0, lanes=lanes, sessions_per_lane=10).slots.sum())
    run = {"rollout": lambda: rollout(tables, policy, seed=0, lanes=lanes, sessions_per_lane=10)}
    took = seconds_of({**run, "step": stepping(tables, lanes)}, turns)
    ratio = (slots / took["rollout"]) / (lanes / took["step"])
    measured = f"{ratio:.2f}× ({slots / took['rollout'] / 1e6:.0f} M session-steps per CPU-s)"
    return Row("rollout of a policy table / vector step, session-steps", measured, "0.6×", "1×")


FIRST_STEP = """
import time
import numpy as np
from preroll.envs import SessionVectorEnv
envs = SessionVectorEnv(64, {scenario!r}, copy=False)
start = time.process_time()
envs.reset(seed=0)
envs.step(np.zeros(64, np.int64))
print(time.process_time() - start)
"""


def first_step_row(scenario: str, turns: int) -> Row:
    """Measures CPU-seconds of the first reset and step of a process: compiled, and from the disk cache."""
    cold, cached = [], []
    for _ in range(min(turns, 3)):
        with tempfile.TemporaryDirectory() as cache:
            for times in (cold, cached):
                command = [sys.executable, "-c", FIRST_STEP.format(scenario=scenario)]
                done = subprocess.run(
                    command, env={**os.environ, "NUMBA_CACHE_DIR": cache}, capture_output=True, text=True, check=True
                )
                times.append(float(done.stdout))
    return Row(
        "first reset and step: compiled; from cache [CPU-s]", f"{median(cold):.1f}; {median(cached):.2f}", "5; 0.5"
    )


def table(title: str, rows: list[Row]) -> str:
    """Formats rows as text."""
    width = max(len(row.what) for row in rows)
    lines = [f"{row.what:{width}}  {row.measured:36} {row.at_least:9} {row.stretch}" for row in rows]
    return "\n".join(["", title, "", f"{'':{width}}  {'measured':36} {'at least':9} stretch", *lines])


def main() -> None:
    """Measures and prints the tables."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenario", action="append", help="preset name or file; default: classic and fatigue")
    parser.add_argument("--quick", action="store_true", help="fewer turns")
    options = parser.parse_args()
    turns = 5 if options.quick else TURNS
    for scenario in options.scenario or ["classic", "fatigue"]:
        rows = vector_rows(scenario, turns)
        rows += [single_row(scenario, turns), *adapter_rows(scenario, turns), rollout_row(scenario, turns)]
        rows.append(first_step_row(scenario, turns))
        print(table(f"{scenario}, {N_CLASSES} object classes unless said", rows))


if __name__ == "__main__":
    main()
