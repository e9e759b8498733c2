"""Cost of experiments: overhead of a cell, workers, evaluation, a sweep; ratios within one run, and CPU seconds.

    python benchmarks/bench_experiments.py [--quick]

Wall-clock ratios are meaningful only on an idle machine; CPU seconds are nearly the same on a busy one.
"""

import argparse
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

from preroll.agents import make_agent
from preroll.envs import Tables
from preroll.simulations import Experiment, Run, fit
from preroll.simulations.evaluation.agent_evaluation import evaluate_agent
from preroll.simulations.experiment.design.plan import Plan
from preroll.simulations.experiment.execution.cell import cell_request, read_cell, run_cell
from preroll.simulations.experiment.execution.runner import cell_pool, run_plan
from preroll.simulations.experiment.execution.store import Store
from preroll.yaml_config import dump_yaml


def plan_of(folder: Path, **settings: object) -> Plan:
    """Writes an experiment file and expands it."""
    path = folder / "bench.yaml"
    path.write_text(dump_yaml(settings))
    return Plan.of(Experiment.load(path))


def overhead(folder: Path) -> None:
    """Measures CPU seconds of a cell besides training and evaluation, the first cell excluded."""
    plan = plan_of(folder, scenario="fatigue", agents=["thompson", "random"], seeds=4, sessions=2000)
    spent = []
    for cell in plan.cells:
        began = time.process_time()
        run_cell(cell_request(cell, folder / cell.id))
        total = time.process_time() - began
        cost = Run.open(folder / cell.id).result["cost"]["cpu_seconds"]
        spent.append(total - cost - read_cell(folder / cell.id)["evaluation_cpu_seconds"])
    print(f"overhead of a cell: {max(spent[1:]):.3f} CPU-s at most after the first (target 0.5)")


def evaluation() -> None:
    """Measures CPU seconds for a million sessions of a trained tabular and a trained linear agent."""
    for scenario in ("classic", "fatigue"):
        tables = Tables.compile(scenario)
        for name in ("thompson", "linucb"):
            agent = make_agent(name, tables)
            fit(agent, tables, sessions=2000)
            evaluate_agent(name, agent, tables, sessions=1000, seed=0)
            began = time.process_time()
            evaluate_agent(name, agent, tables, sessions=1_000_000, seed=0)
            spent = time.process_time() - began
            print(f"evaluation of 1,000,000 sessions, {name} on {scenario}: {spent:.2f} CPU-s (target 3)")


def workers(folder: Path, sessions: int) -> None:
    """Measures the wall-clock speed-up of two workers over one on CPU-bound cells."""
    plan = plan_of(folder, scenario="classic", agents=["thompson"], seeds=8, sessions=sessions)
    seconds = []
    for number in (1, 2):
        store = Store(folder / f"workers-{number}")
        began = time.perf_counter()
        run_plan(plan, "", store, cell_pool(number))
        seconds.append(time.perf_counter() - began)
    load = os.getloadavg()[0]
    print(
        f"two workers are {seconds[0] / seconds[1]:.2f} × as fast as one (target 1.8; {seconds[0]:.1f} and "
        f"{seconds[1]:.1f} s; load of the machine {load:.1f})"
    )


def sweep(folder: Path, cells: int) -> None:
    """Measures CPU and wall-clock seconds of a sweep of bandit cells."""
    plan = plan_of(
        folder,
        scenario="fatigue",
        random={"draws": cells // 20, "ranges": {"user.mismatch": [0.1, 0.9]}},
        agents=["thompson", "linucb"],
        seeds=10,
        sessions=5000,
        evaluate={"sessions": 20_000},
    )
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    report = run_plan(plan, "", Store(folder / "sweep"), cell_pool(2))
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    share = 200 / report.done
    print(
        f"a sweep of 200 bandit cells: {cpu * share:.0f} CPU-s, so {cpu * share / 2:.0f} s on two quiet cores (target "
        f"180); it took {wall * share:.0f} s here"
    )


def main() -> None:
    """Runs all benchmarks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    quick = parser.parse_args().quick
    folder = Path(tempfile.mkdtemp(prefix="bench-experiments-"))
    try:
        for name in ("overhead", "workers", "sweep"):
            (folder / name).mkdir()
        overhead(folder / "overhead")
        evaluation()
        workers(folder / "workers", 3000 if quick else 100_000)
        sweep(folder / "sweep", 20 if quick else 200)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
