"""Cost of experiments: overhead of a cell, workers, evaluation, a sweep; ratios within one run, and CPU seconds.

    python benchmarks/bench_experiments.py [--quick] [--only empty|ray]

Wall-clock ratios are meaningful only on an idle machine; CPU seconds are nearly the same on a busy one.
"""

import argparse
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from preroll.agents import make_agent
from preroll.bounded.yaml_text import dump_yaml
from preroll.envs import Tables
from preroll.simulations import Experiment, Run, fit
from preroll.simulations.evaluation.agent_evaluation import evaluate_agent
from preroll.simulations.experiment.design.plan import Plan
from preroll.simulations.experiment.execution.cell import cell_request, read_cell, run_cell
from preroll.simulations.experiment.execution.runner import cell_pool, run_plan
from preroll.simulations.experiment.execution.store import Store
from preroll.simulations.experiment.execution.tensorboard import columns_of
from preroll.simulations.experiment.execution.tidy_table import results
from preroll.simulations.reporting import write_report

Made = TypeVar("Made")


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
        run_cell(cell_request(cell, folder / cell.id, columns_of(plan)))
        total = time.process_time() - began
        cost = Run.load(folder / cell.id).result["cost"]["cpu_seconds"]
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


def empty_cells(folder: Path, cells: int) -> None:
    """Measures CPU seconds and memory of empty cells: planned, run by one worker, reported, and read again."""
    spent = []

    def step(title: str, do: Callable[[], Made]) -> Made:
        before, made = _cpu_seconds(), do()
        spent.append(_cpu_seconds() - before)
        print(f"{cells:,} empty cells, {title}: {spent[-1]:.1f} CPU-s, {1000 * spent[-1] / cells:.2f} ms a cell")
        return made

    one = {"agents": ["random"], "seeds": 10, "sessions": 1, "evaluate": {"sessions": 30}}
    drawn = {"draws": cells // 10, "ranges": {"user.mismatch": [0.1, 0.9]}}
    plan = step("planned", lambda: plan_of(folder, scenario="classic", random=drawn, **one))
    store = Store(folder / "empty")
    step("run by one worker", lambda: run_plan(plan, "", store, cell_pool(1)))
    step("reported", lambda: write_report(store.path))
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(f"largest process: {most / 1024:.0f} MiB (target 500 MB)")
    print(f"all three: {1000 * sum(spent) / cells:.1f} ms a cell (target 20)")
    step("states read again (nothing is new)", lambda: Store(store.path).states(plan))
    step("tidy table (target 5 CPU-s for 10,000)", lambda: results(Store(store.path)))


def ray_nodes(folder: Path, cells: int) -> None:
    """Measures CPU seconds of cells on Ray with 1, 2 and 4 nodes on this machine: of the cells, and of all else.

    All else is what processes used that were waited for; Ray leaves some to end by themselves.
    """
    try:
        from ray.cluster_utils import Cluster
    except ImportError:
        print("Ray is not installed: not measured")
        return
    plan = plan_of(folder, scenario="classic", agents=["thompson"], seeds=cells, sessions=2000)
    machine = {"num_cpus": 1, "object_store_memory": 80_000_000}
    for nodes in (1, 2, 4):
        before = _cpu_seconds()
        cluster = Cluster(initialize_head=True, head_node_args={**machine, "include_dashboard": False})
        try:
            for _ in range(nodes - 1):
                cluster.add_node(**machine)
            store, began = Store(folder / f"ray-{nodes}"), time.perf_counter()
            run_plan(plan, "", store, cell_pool(nodes, engine="ray", address=cluster.address))
            wall = time.perf_counter() - began
        finally:
            cluster.shutdown()
        records = [store.record(cell) for cell in plan.cells]
        work = sum(one["cost"]["cpu_seconds"] + one["evaluation_cpu_seconds"] for one in records)
        print(
            f"Ray, {nodes} nodes, {cells} cells: {work:.1f} CPU-s of training and evaluation, "
            f"{_cpu_seconds() - before - work:.1f} of everything else, {wall:.0f} s"
        )


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    """Runs all benchmarks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--only", choices=("empty", "ray"), help="one part: empty cells, or Ray")
    given = parser.parse_args()
    quick = given.quick
    folder = Path(tempfile.mkdtemp(prefix="bench-experiments-"))
    try:
        for name in ("overhead", "workers", "sweep", "empty", "ray"):
            (folder / name).mkdir()
        if given.only != "ray":
            empty_cells(folder / "empty", 1000 if quick else 10_000)
        if given.only != "empty":
            ray_nodes(folder / "ray", 4 if quick else 16)
        if given.only:
            return
        overhead(folder / "overhead")
        evaluation()
        workers(folder / "workers", 3000 if quick else 100_000)
        sweep(folder / "sweep", 20 if quick else 200)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
