"""Revenue and cost of the deep agents: ``python benchmarks/bench_deep.py [PART …] [OPTIONS]``.

Values are exact, of the tabulated policy without exploration; CPU-seconds are of training without evaluation, with
torch on one thread. Every part prints each seed, the median, and the target; a missed target gives exit status 1.

* ``fatigue``, ``classic``, ``campaigns``: percent of the exact optimum, compared with greedy and the best fixed policy.
* ``drift``: percent of the optimum earned while learning, with the preset and with the agent's defaults for as long.
* ``hidden-users``: revenue of recurrent-ppo minus that of the best memoryless policy, with common random numbers;
  compared with what agents without memory earn.
* ``time``: CPU-seconds until 90 and 95 % of the optimum on `fatigue`.
* ``defaults``: the same for stable-baselines3 with its defaults, stopped after 600 CPU-seconds. Takes most of an hour.
* ``choices``: what the presets of `fatigue` earn beside other settings, on the seeds on which they were chosen.
* ``features``: as ``fatigue``, on the catalog given by ``--catalog``, with the ads of `fatigue` for its categories.
"""

import argparse
from collections.abc import Callable

import numpy as np
import torch
from bench_agents import earned_share, interval
from stopwatch import SHARES, Stopwatch, timed_training

from preroll.agents.preset import preset
from preroll.agents.registry import find
from preroll.envs import Optimum, Scenario, Tables, best_fixed, greedy_policy, rollout, scenario_for
from preroll.envs.optimum.restricted import best_memoryless
from preroll.perception import Catalog
from preroll.seeds import EVALUATION, derive
from preroll.simulations import train
from preroll.simulations.evaluation.stepping import play

WANTED = {  # agent: (least median, least value of each seed) in percent of the optimum
    "fatigue": {"ppo": (97, 94), "lean-ppo": (97, 94), "dqn": (94, 0)},
    "classic": {"ppo": (99, 99), "lean-ppo": (99, 99), "dqn": (99, 0)},
    "campaigns": {"ppo": (99, 99), "lean-ppo": (99, 99), "dqn": (99, 0)},
}
CHOICES: list[tuple[str, range, dict[str, int]]] = [  # what the presets of fatigue were compared with, and where
    ("lean-ppo", range(5), {"num_envs": 512, "batch": 2048}),
    ("ppo", range(5), {"num_envs": 512, "batch": 2048}),
    ("dqn", range(5), {"updates_per_step": 2}),
    ("dqn", range(10, 13), {"updates_per_step": 2}),
]
LANES, PER_LANE = 1000, 20
BUDGET = 600.0


def told(values: list[float], seeds: range, digits: int = 1) -> str:
    """Formats the median and the values of the seeds."""
    each = " ".join(f"{value:.{digits}f}" for value in values)
    return f"median {np.median(values):.{digits}f}   seeds {seeds[0]} … {seeds[-1]}: {each}"


def show_values(scenario: str, seeds: range, catalog: str = "demo") -> list[str]:
    """Prints what the agents earn in percent of the optimum; returns those that miss their target."""
    world = Scenario.load(scenario) if catalog == "demo" else scenario_for(Catalog.load(catalog), scenario)
    tables = Tables.compile(world, catalog)
    optimum = Optimum(tables)
    greedy = 100 * optimum.value_of(greedy_policy(tables)) / optimum.value
    fixed = 100 * best_fixed(optimum).value / optimum.value
    print(f"{scenario} on {tables.catalog.path.name}: exact percent of the optimum {optimum.value:.3f}")
    print(f"  greedy {greedy:.1f}   best fixed per category {fixed:.1f}")
    missed = []
    for name, (median, each) in WANTED[scenario].items():
        settings = preset(scenario, name)  # by name: the scenario of another catalog has no preset
        results = [train(name, scenario=world, catalog=catalog, seed=seed, settings=settings) for seed in seeds]
        values = [100 * optimum.value_of(result.agent.policy(tables)) / optimum.value for result in results]
        spent = np.median([result.cpu_seconds for result in results])
        print(f"  {name:9} {told(values, seeds)}   wanted {median} (each {each})   {spent:.1f} CPU-s", flush=True)
        if np.median(values) < median or min(values) < each:
            missed.append(name)
    return missed


def show_choices() -> list[str]:
    """Prints the percent of the optimum on `fatigue` with the presets and with other settings; there is no target."""
    tables = Tables.compile("fatigue", "demo")
    optimum = Optimum(tables)
    print("choices: exact percent of the optimum on fatigue")
    for name, seeds, other in CHOICES:
        values, spent = [], []
        for settings in (None, other):
            results = [train(name, scenario="fatigue", seed=seed, settings=settings) for seed in seeds]
            values.append([100 * optimum.value_of(result.agent.policy(tables)) / optimum.value for result in results])
            spent.append(np.median([result.cpu_seconds for result in results]))
        gains = np.subtract(*values)
        print(f"  {name:9} preset  {told(values[0], seeds)}   {spent[0]:.1f} CPU-s")
        changed = " ".join(f"{key}={value}" for key, value in other.items())
        difference = f"{gains.mean():+.1f} ± {interval(gains):.1f} (paired)"
        print(f"  {changed}  {told(values[1], seeds)}   {spent[1]:.1f} CPU-s   preset {difference}", flush=True)
    return []


def show_drift(seeds: range) -> list[str]:
    """Prints what is earned while users change; returns the agents whose preset does not beat their defaults."""
    print("drift: percent of the optimum earned while learning")
    missed = []
    for name in ("lean-ppo", "ppo", "dqn"):
        settings = preset("drift", name)
        own = find(name).load().Settings().model_dump()
        plain = {key: own[key] for key in settings} | {key: settings[key] for key in ("num_envs", "sessions")}
        earned = [
            [earned_share(train(name, scenario="drift", seed=seed, settings=each).curve) for seed in seeds]
            for each in (settings, plain)
        ]
        gains = np.subtract(*earned)
        half = interval(gains)
        print(f"  {name:9} {told(earned[0], seeds)}")
        print(f"  {'defaults':9} {told(earned[1], seeds)}   {gains.mean():+.1f} ± {half:.1f} (paired)", flush=True)
        missed += [name] if gains.mean() - half <= 0 else []
    return missed


def show_reflexes(tables: Tables, optimum: Optimum, seeds: range) -> None:
    """Prints the exact revenue of deep agents without memory on `hidden-users`."""
    print(f"hidden-users: revenue per session, best fixed ad per category {best_fixed(optimum).value:.3f}")
    for name in ("lean-ppo", "ppo", "dqn"):
        agents = [train(name, scenario="hidden-users", seed=seed).agent for seed in seeds]
        print(f"  {name:9} {told([optimum.value_of(agent.policy(tables)) for agent in agents], seeds, 2)}", flush=True)


def show_memory(seeds: range) -> list[str]:
    """Prints the gain from memory on `hidden-users`; returns the seeds on which it is not above zero."""
    tables = Tables.compile("hidden-users", "demo")
    optimum = Optimum(tables)
    show_reflexes(tables, optimum, seeds)
    last = np.arange(2 * tables.n_actions + 1)
    kinds = np.asarray(tables.category, dtype=np.int64)
    group = kinds[:, None, None] * len(last) + last
    best = best_memoryless(optimum, group, by_last=True)
    missed = []
    print(f"hidden-users: revenue of recurrent-ppo less {best.value:.3f} of the best policy found without memory")
    for seed in seeds:
        base = derive(seed, EVALUATION)
        result = train("recurrent-ppo", scenario="hidden-users", seed=seed)
        own = play(tables, result.agent, seed=base, lanes=LANES, sessions_per_lane=PER_LANE).revenue.mean(axis=1)
        other = rollout(tables, best.policy, seed=base, lanes=LANES, sessions_per_lane=PER_LANE).revenue.mean(axis=1)
        gains, half = own - other, interval(own - other)
        print(
            f"  seed {seed}: {own.mean():.3f}, difference {gains.mean():+.3f} [{gains.mean() - half:+.3f}, "
            f"{gains.mean() + half:+.3f}] (paired, {LANES} lanes)   {result.cpu_seconds:.1f} CPU-s",
            flush=True,
        )
        missed += [] if gains.mean() - half > 0 else [f"seed {seed}"]
    return missed


def show_time(seeds: range) -> list[str]:
    """Prints the training time of our agents on `fatigue`."""
    tables = Tables.compile("fatigue", "demo")
    optimum = Optimum(tables)
    print("fatigue: CPU-seconds until a share of the optimum is earned")
    reached: dict[str, list[dict[float, float]]] = {"ppo": [], "lean-ppo": []}
    for seed in seeds:
        for name, times in reached.items():
            times.append(timed_training(name, tables, optimum, seed).reached)
            print(f"    {name} seed {seed}: {times[-1]}", flush=True)
    for name, times in reached.items():
        for share in SHARES:
            print(f"  {name:9} {share:.0%}: {told([each.get(share, np.inf) for each in times], seeds, 2)}", flush=True)
    return []


def show_defaults(seeds: range) -> list[str]:
    """Prints the training time of stable-baselines3 with its defaults."""
    import sb3_defaults

    tables = Tables.compile("fatigue", "demo")
    optimum = Optimum(tables)
    watches = []
    print(f"fatigue: CPU-seconds of PPO with stable-baselines3's defaults on DummyVecEnv({sb3_defaults.LANES})")
    for seed in seeds:
        watches.append(Stopwatch(tables, optimum))
        sb3_defaults.train(tables, seed, watches[-1].measure, BUDGET)
        print(f"    seed {seed}: {watches[-1].reached}, at most {watches[-1].best:.1%}", flush=True)
    for share in SHARES:
        times = [watch.reached.get(share, np.inf) for watch in watches]
        print(f"  {share:.0%}: {told(times, seeds)} (inf: not reached in {BUDGET:.0f})", flush=True)
    return []


def main() -> int:
    """Runs the requested parts; returns 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help="by default all but defaults, choices and features")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0, help="report no seed that settings were chosen with")
    parser.add_argument("--quick", action="store_true", help="two seeds")
    parser.add_argument("--catalog", default="demo", help="of the part features")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    seeds = range(arguments.first_seed, arguments.first_seed + (2 if arguments.quick else arguments.seeds))
    parts: dict[str, Callable[[], list[str]]] = {
        "fatigue": lambda: show_values("fatigue", seeds),
        "classic": lambda: show_values("classic", seeds),
        "campaigns": lambda: show_values("campaigns", seeds),
        "drift": lambda: show_drift(seeds),
        "hidden-users": lambda: show_memory(seeds),
        "time": lambda: show_time(seeds),
        "defaults": lambda: show_defaults(seeds),
        "choices": show_choices,
        "features": lambda: show_values("fatigue", seeds, arguments.catalog),
    }
    if unknown := set(arguments.parts) - set(parts):
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}")
    chosen = arguments.parts or [part for part in parts if part not in ("defaults", "choices", "features")]
    missed = [f"{part}: {name}" for part in chosen for name in parts[part]()]
    print("Missed: " + ", ".join(missed) if missed else "Every bound is kept.")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
