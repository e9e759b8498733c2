"""The Ray engine on real clusters of this machine; in processes of their own, for Ray stays in the one it is in."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from preroll.errors import PrerollError
from preroll.simulations.experiment.execution.runner import cell_pool, run_plan
from preroll.simulations.experiment.execution.store import Store
from preroll.workers import ray_cluster
from tests.simulations.conftest import MakeFile, load
from tests.simulations.experiment.execution.test_runner import in_this_process, numbers

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the extra ray")

#: Runs an experiment on two machines (two sets of Ray's processes), one of which is lost in the middle of a cell.
TWO_MACHINES = """
import threading
import time
import warnings
from glob import glob

warnings.simplefilter("ignore")
from ray.cluster_utils import Cluster

from preroll.simulations import run_experiment
from preroll.simulations.experiment.execution.runner import cell_pool
from preroll.workers.ray_cluster import MachineLostError, RayCluster

machine = {"num_cpus": 1, "object_store_memory": 80_000_000}
cluster = Cluster(initialize_head=True, head_node_args={**machine, "include_dashboard": False})
second = cluster.add_node(**machine)
answer, lost = RayCluster.answer, []

def counted(reference):
    try:
        return answer(reference)
    except MachineLostError as error:
        lost.append(str(error))
        raise

def kill():
    # When two cells are at work, there is one on each machine, whatever has been done before.
    while len(glob("out/cells/**/.seed-*.preroll", recursive=True)) < 2:  # Path.rglob raises where a folder goes
        time.sleep(0.01)
    cluster.remove_node(second, allow_graceful=False)

RayCluster.answer = staticmethod(counted)
threading.Thread(target=kill).start()
report = run_experiment("small.yaml", "out", pool=cell_pool(engine="ray", address=cluster.address))
print(report.done, len(report.failures), len(lost))
cluster.shutdown()
"""


def alone() -> dict[str, str]:
    """The environment without a cluster that may be known there."""
    return {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}


@needs_ray
def test_two_machines_give_the_same_results_bit_for_bit_though_one_is_killed(
    make_file: MakeFile, tmp_path: Path
) -> None:
    path = make_file(vary={}, agents=["thompson"], seeds=3, sessions=20_000)
    (tmp_path / "small.yaml").write_text(path.read_text())
    done = subprocess.run(
        [sys.executable, "-c", TWO_MACHINES], capture_output=True, text=True, cwd=tmp_path, env=alone()
    )
    assert done.returncode == 0, done.stderr
    cells_done, failed, lost = map(int, done.stdout.splitlines()[-1].split())
    assert (cells_done, failed) == (3, 0)
    assert lost >= 1
    far, here = Store(tmp_path / "out"), Store(tmp_path / "here")
    run_plan(load(path), "", here, in_this_process)
    pd.testing.assert_frame_equal(numbers(far), numbers(here), check_exact=True)
    assert not list(far.path.rglob(".*.preroll"))


@needs_ray
def test_without_a_cluster_one_is_started_here_and_failures_are_told(make_file: MakeFile, tmp_path: Path) -> None:
    path, out = make_file(seeds=1, agents=["random"]), tmp_path / "out"
    broken = out / "cells" / "long.view_probability=x1" / "random" / "seed-0"
    broken.parent.mkdir(parents=True)
    broken.write_text("a file in its place")
    (out / "plan.json").write_text("{}")
    command = [sys.executable, "-m", "preroll", "experiment", "run", str(path), "--out", str(out)]
    done = subprocess.run([*command, "--engine", "ray"], capture_output=True, text=True, env=alone())
    assert done.returncode == 1
    assert "2 cells: 1 done now, 0 were done before, 1 failed." in done.stdout
    assert "is a file; a folder is needed" in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("error: 1 cells failed three times")


def test_without_ray_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "find_spec", lambda _: None)
    with pytest.raises(PrerollError, match=r"Ray is not installed: pip install 'preroll\[ray\]'"):
        cell_pool(engine="ray")
