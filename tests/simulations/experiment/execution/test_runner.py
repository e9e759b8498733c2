import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from glob import glob
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from preroll.agents import load_agent
from preroll.errors import PrerollError
from preroll.files import sealed
from preroll.simulations.experiment.execution.cell import check_cell, run_cell
from preroll.simulations.experiment.execution.runner import cell_pool, run_plan
from preroll.simulations.experiment.execution.store import CellState, Store
from preroll.simulations.experiment.execution.tidy_table import COST, results, write_parquet
from preroll.workers.job import JobOutcome, Request
from preroll.workers.pool import Outcomes, Reported
from tests.child_processes import worker_processes
from tests.simulations.conftest import MakeFile, load

#: Moments of a kill in the default run; PREROLL_KILLS=20 for the long one.
KILLS = int(os.environ.get("PREROLL_KILLS", "2"))


def inodes(store: Store) -> dict[str, int]:
    """Which file holds the result of every complete cell: a cell that is done again gets another one.

    Not ``Path.glob``: it raises where a temporary folder goes while it looks, and it does not leave hidden ones out.
    """
    found = glob("*/*/*/result.json", root_dir=store.logdir)
    return {os.path.dirname(name): (store.logdir / name).stat().st_ino for name in found}


def numbers(store: Store) -> pd.DataFrame:
    """The table without what a cell cost, where its catalog lay, and which commit was checked out when it ran."""
    return results(store).drop(columns=[*COST, "catalog", "git", "git_changed"])


class InThisProcess:
    """Workers that are none: requests are done here, one after the other."""

    def map(self, requests: Sequence[Request], progress: Reported | None = None) -> Outcomes:
        """As a pool of processes does them."""
        for number, request in enumerate(requests):
            run_cell(request, partial(progress or (lambda *_: None), number))
            yield JobOutcome(number, {})

    def check(self) -> None:
        """Nothing has to start."""

    def close(self) -> None:
        """Nothing has to end."""


in_this_process = InThisProcess()


def test_results_are_the_same_bit_for_bit_for_any_number_of_workers(
    small_store: Store, make_file: MakeFile, tmp_path: Path
) -> None:
    path, alone = make_file(), Store(tmp_path / "out")
    run_plan(load(path), path.read_text(), alone, in_this_process)
    two, one = (numbers(store) for store in (small_store, alone))
    pd.testing.assert_frame_equal(two, one, check_exact=True)
    for cell in load(path).cells:
        a, b = (load_agent(store.folder(cell) / "agent").state_arrays() for store in (small_store, alone))
        assert all(np.array_equal(a[name], b[name]) for name in a)
        curves = [json.loads((s.folder(cell) / "result.json").read_text())["curve"] for s in (small_store, alone)]
        assert curves[0] == curves[1]


def test_the_same_command_again_does_nothing_and_more_seeds_only_what_is_missing(
    small_store: Store, make_file: MakeFile, tmp_path: Path
) -> None:
    store = Store(shutil.copytree(small_store.path, tmp_path / "out"))
    before, path = inodes(store), make_file()
    assert run_plan(load(path), path.read_text(), store, cell_pool(1)).done == 0
    more = make_file(seeds=3)
    assert run_plan(load(more), more.read_text(), store, in_this_process).done == 6
    assert before.items() < inodes(store).items()


@pytest.mark.parametrize("text", [b"{}", b"[1]", b"no JSON", b'{"cells": []}', b"\xff"])
def test_a_plan_of_somebody_else_is_no_experiment_and_is_left(text: bytes, make_file: MakeFile, tmp_path: Path) -> None:
    store, path = Store(tmp_path / "out"), make_file()
    store.path.mkdir()
    (store.path / "plan.json").write_bytes(text)
    with pytest.raises(PrerollError, match="out: is no folder of an experiment and is not empty; name another one"):
        run_plan(load(path), path.read_text(), store, in_this_process)
    assert [file.read_bytes() for file in store.path.iterdir()] == [text]


@pytest.mark.parametrize(
    "names", [{"point": "../../evil"}, {"label": "../../../evil"}, {"point": "/evil"}, {"point": "."}, {"label": 5}]
)
def test_names_in_a_plan_that_lead_out_of_the_folder_are_not_used(
    names: dict[str, object], small_store: Store, make_file: MakeFile, tmp_path: Path
) -> None:
    store = Store(shutil.copytree(small_store.path, tmp_path / "inner" / "out"))
    content = sealed.read(store.path / "plan.json")
    for cell in content["cells"]:
        cell |= names
    (store.path / "plan.json").write_text(sealed.text_of(content))
    path = make_file()
    run_plan(load(path), path.read_text(), store, in_this_process)
    assert [cell.id for cell in store.read_plan().cells] == [cell.id for cell in load(path).cells]
    assert not list(tmp_path.rglob("*evil*"))
    assert [path.name for path in (tmp_path / "inner").iterdir()] == ["out"]


def test_a_changed_file_says_which_cells_changed_and_does_them_again(
    small_store: Store, make_file: MakeFile, tmp_path: Path
) -> None:
    store = Store(shutil.copytree(small_store.path, tmp_path / "out"))
    changed = make_file(agents=["random", {"thompson": {"num_envs": 16}}], evaluate={"sessions": 700}, seeds=[1])
    told: list[str] = []
    assert run_plan(load(changed), changed.read_text(), store, in_this_process, told.append).done == 4
    again = [line for line in told if line.endswith("was run with other settings; it is run again.")]
    left = [line for line in told if line.endswith("is no cell of this experiment any more; it is left.")]
    assert (len(again), len(left)) == (4, 8)
    assert len(results(store)) == 4


def test_without_exact_values_agents_are_simulated_alone_which_is_another_evaluation(
    small_store: Store, make_file: MakeFile, tmp_path: Path
) -> None:
    path, store = make_file(evaluate={"sessions": 600, "exact": False}, seeds=[0]), Store(tmp_path / "out")
    plan, before = load(path), load(make_file(evaluate={"sessions": 600, "exact": True}, seeds=[0]))
    assert {cell.id: cell.fingerprint for cell in before.cells}.items() <= {
        cell.id: cell.fingerprint for cell in load(make_file()).cells
    }.items()
    assert all(a.fingerprint != b.fingerprint for a, b in zip(plan.cells, before.cells, strict=True))
    assert all(a.training_fingerprint == b.training_fingerprint for a, b in zip(plan.cells, before.cells, strict=True))
    run_plan(plan, path.read_text(), store, in_this_process)
    assert store.read_plan().cells == plan.cells
    table, exact = (results(one).set_index("id") for one in (store, small_store))
    assert table["exact_revenue"].notna().equals(table["agent"] == "optimum")
    thompson = table.index[table["agent"] == "thompson"]
    assert table.loc[thompson, "revenue"].equals(exact.loc[thompson, "revenue"])


@pytest.mark.usefixtures("without_processes")
def test_a_cell_that_fails_three_times_is_listed_and_the_others_go_on(make_file: MakeFile, tmp_path: Path) -> None:
    store, path = Store(tmp_path / "out"), make_file(seeds=1, agents=["random", "thompson"])
    plan = load(path)
    store.folder(plan.cells[0]).parent.mkdir(parents=True)
    store.folder(plan.cells[0]).write_text("a file in its place")
    (store.path / "plan.json").write_text("{}")
    report = run_plan(plan, path.read_text(), store, cell_pool(1))
    assert report.done == 3
    assert list(report.failures) == [plan.cells[0].id]
    assert "is a file; a folder is needed" in store.failures()[plan.cells[0].id]
    assert store.folder(plan.cells[0]).read_text() == "a file in its place"
    assert store.states(plan)[plan.cells[0].id] is CellState.DAMAGED
    store.folder(plan.cells[0]).unlink()
    assert run_plan(plan, path.read_text(), store, in_this_process).done == 1
    assert not store.failures()


def test_a_full_disk_ends_the_run_in_one_line(make_file: MakeFile, tmp_path: Path) -> None:
    class Full(InThisProcess):
        def map(self, requests: Sequence[Request], progress: Reported | None = None) -> Outcomes:
            yield JobOutcome(error="cell.json: No space left on device", reason="error", final=True)

    path = make_file()
    with pytest.raises(PrerollError, match=r"No space left on device; go on with the same command") as error:
        run_plan(load(path), path.read_text(), Store(tmp_path / "out"), Full())
    assert error.value.status == 1


def test_two_processes_do_not_run_one_folder(small_store: Store, make_file: MakeFile) -> None:
    path = make_file()
    with (
        small_store.lock(),
        ThreadPoolExecutor() as other,
        pytest.raises(PrerollError, match="another thread is writing"),
    ):
        other.submit(run_plan, load(path), path.read_text(), small_store, cell_pool(1)).result()


def test_a_folder_of_something_else_is_not_touched(make_file: MakeFile, tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear")
    path = make_file()
    with pytest.raises(PrerollError, match="is no folder of an experiment and is not empty"):
        run_plan(load(path), path.read_text(), Store(tmp_path), cell_pool(1))
    assert [entry.name for entry in tmp_path.iterdir()] == ["letters.txt"]


def test_the_table_has_a_row_per_cell_with_settings_numbers_and_versions(small_store: Store, tmp_path: Path) -> None:
    table = results(small_store)
    assert len(table) == 12
    assert sorted(set(table["ads.*.long.view_probability (scale)"])) == [0.5, 1.0]
    row = table[table["id"] == "long.view_probability=x1/optimum/seed-0"].iloc[0]
    assert row["percent_of_optimum"] == 100
    assert row["regret"] == pytest.approx(0, abs=1e-12)
    assert abs(row["revenue"] - row["exact_revenue"]) < 5 * row["revenue_half_width"]
    assert {"git", "version.numpy", "setting.num_envs", "training_cpu_seconds"} <= set(table.columns)
    assert table["sessions"].equals(table["setting.sessions"])
    mixed = table.copy()
    mixed["observe.category"] = np.array([True, "none", 0.12345678] * 4, object)
    write_parquet(mixed, tmp_path / "t.parquet")
    assert set(pd.read_parquet(tmp_path / "t.parquet")["observe.category"]) == {"true", "none", "0.12345678"}


def run_and_kill(arguments: list[str], seconds: float, number: int) -> None:
    """Starts the command, and ends it after so many seconds by a signal to it alone."""
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
        process.wait()


def test_a_kill_at_any_moment_loses_and_repeats_nothing_but_the_cells_in_flight(
    small_store: Store, make_file: MakeFile, tmp_path: Path
) -> None:
    dice, path, store = random.Random(7), make_file(), Store(tmp_path / "out")
    command = [
        sys.executable,
        "-m",
        "preroll",
        "experiment",
        "run",
        str(path),
        "--out",
        str(store.path),
        "--workers",
        "2",
    ]
    complete: Mapping[str, int] = {}
    for _ in range(KILLS):
        run_and_kill(command, dice.uniform(1.5, 6.0), signal.SIGKILL)
        now = inodes(store)
        assert complete.items() <= now.items()  # nothing that was there is lost, or was made again
        complete = now
    time.sleep(1)
    orphans_done = inodes(store)
    assert run_plan(load(path), path.read_text(), store, in_this_process).failures == {}
    assert orphans_done.items() <= inodes(store).items()
    pd.testing.assert_frame_equal(numbers(store), numbers(small_store), check_exact=True)
    assert not list(store.path.rglob(".*.preroll"))
    for cell in load(path).cells:
        check_cell(store.folder(cell))


def test_a_killed_worker_is_replaced_and_its_cell_done_again(make_file: MakeFile, tmp_path: Path) -> None:
    path = make_file(seeds=1, agents=["thompson"], sessions=3_000, vary={})
    store, killed = Store(tmp_path / "out"), list[int]()

    class Killing(InThisProcess):
        def map(self, requests: Sequence[Request], progress: Reported | None = None) -> Outcomes:
            def kill_once(number: int, sessions: float, promised: float | None) -> None:
                if not killed and sessions > 0:
                    killed.extend(worker_processes())
                    os.kill(killed[0], signal.SIGKILL)
                assert progress is not None
                progress(number, sessions, promised)

            return cell_pool(1).map(requests, kill_once)

    report = run_plan(load(path), path.read_text(), store, Killing())
    assert killed
    assert report.done == 1
