import io
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from preroll.bounded.yaml_text import dump_yaml, load_yaml
from preroll.commands.cli import app
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.simulations.experiment.design.plan import Plan
from preroll.simulations.experiment.design.spec import Experiment
from preroll.simulations.experiment.execution.runner import run_plan
from preroll.simulations.experiment.execution.store import Store
from preroll.simulations.report.data import Material
from preroll.simulations.report.page import page
from tests.conftest import ROOT
from tests.simulations.conftest import MakeFile
from tests.simulations.experiment.execution.test_runner import in_this_process

EXAMPLES = sorted((ROOT / "examples" / "experiments").glob("*.yaml"))


def preroll(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_dry_run_lists_cells_time_and_disk_and_runs_nothing(make_file: MakeFile, tmp_path: Path) -> None:
    told = preroll("experiment", "run", make_file(), "--out", tmp_path / "out", "--dry-run")
    assert told.exit_code == 0
    assert "long.view_probability=x0.5/random/seed-0" in told.stdout
    header, first, *_, last = told.stdout.partition("\n\n")[2].splitlines()
    assert header.split() == ["agent", "cells", "not", "done", "CPU", "seconds"]
    assert first.split()[:3] == ["random", "4", "4"]
    assert re.fullmatch(r"12 cells, 12 missing. What is not done takes about .* MB. Nothing was run.", last)
    assert not (tmp_path / "out").exists()


def test_a_dry_run_of_many_cells_sums_them_up_and_lists_them_where_asked(make_file: MakeFile, tmp_path: Path) -> None:
    dry = ("experiment", "run", make_file(seeds=20), "--out", tmp_path / "out", "--dry-run")
    told, whole = preroll(*dry).stdout, preroll(*dry, "--all").stdout
    number = int(told.split(" cells; --all lists every one.")[0])
    assert number > 20
    assert whole.count(" missing ") - told.count(" missing ") == number
    assert told.splitlines()[-1] == whole.splitlines()[-1]


def test_what_is_there_is_not_run_again_and_the_table_is_printed(small_store: Store, make_file: MakeFile) -> None:
    told = preroll("experiment", "run", make_file(), "--out", small_store.path)
    assert told.exit_code == 0
    assert "12 cells: 0 done now, 12 were done before, 0 failed." in told.stdout
    assert "100.00 ± 0.00" in told.stdout
    assert "12 cells, 12 done" in preroll("experiment", "status", small_store.path).stdout


def test_the_tidy_table_is_printed_as_csv_and_json_and_written_as_parquet(small_store: Store, tmp_path: Path) -> None:
    folder = shutil.copytree(small_store.path, tmp_path / "out")
    csv = preroll("experiment", "results", folder, "--csv", "--parquet")
    assert csv.exit_code == 0
    tables = pd.read_csv(io.StringIO(csv.stdout)), pd.read_parquet(folder / "results.parquet")
    assert not list(folder.glob("results.[cj]*"))
    assert [len(table) for table in tables] == [12, 12]
    assert list(tables[0]["revenue"]) == list(tables[1]["revenue"])
    rows = json.loads(preroll("experiment", "results", folder, "--json").stdout)
    assert [row["revenue"] for row in rows] == list(tables[0]["revenue"])
    gaps = tables[0].isna()
    assert [[row[name] is None for name in tables[0].columns] for row in rows] == gaps.to_numpy().tolist()


def test_an_experiment_is_repeated_from_its_folder_alone(make_file: MakeFile, tmp_path: Path) -> None:
    """Its file names a scenario beside it that is gone, and has no name but its own."""
    (tmp_path / "short.yaml").write_text(Scenario.load("classic").replace({"session.horizon": 3}).dump(), "utf8")
    given = load_yaml(make_file(scenario="short.yaml", agents=["random"], seeds=1, vary={}, sessions=20))
    (file := tmp_path / "own.yaml").write_text(dump_yaml({k: v for k, v in given.items() if k != "name"}), "utf8")
    stores = [Store(tmp_path / name) for name in ("one", "again")]
    assert preroll("experiment", "run", file, "--out", stores[0].path, "--workers", "1").exit_code == 0
    (tmp_path / "short.yaml").unlink()
    told = preroll("experiment", "run", stores[0].path, "--out", stores[1].path, "--workers", "1")
    assert "1 cell: 1 done now" in told.stdout, told.output
    one, again = (store.read_plan() for store in stores)
    assert one == again
    assert one.name == "own"
    evaluations = [
        store.record(cell)["evaluation"] for store, cell in zip(stores, (*one.cells, *again.cells), strict=True)
    ]
    assert evaluations[0] == evaluations[1]
    assert "horizon: 3" in page(Material.of(stores[1]))
    told = preroll("experiment", "run", tmp_path, "--out", tmp_path / "none")
    assert f"{tmp_path}: is no folder of an experiment" in str(told.exception)


def test_a_picture_of_the_means_has_a_bar_for_every_agent_at_every_point(small_store: Store, tmp_path: Path) -> None:
    told = preroll("experiment", "results", small_store.path, "--plot", tmp_path / "bars.svg")
    assert told.stdout.splitlines()[-1] == f"Percent of the optimum: {tmp_path / 'bars.svg'}"
    drawn = (tmp_path / "bars.svg").read_text("utf8")
    plan = small_store.read_plan()
    assert all(f"small: {cell.point}</text>" in drawn for cell in plan.cells)
    for label in {cell.label for cell in plan.cells}:
        assert drawn.count(f">{label}</text>") == len({cell.point for cell in plan.cells})


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_table_that_was_written_is_the_product_whatever_becomes_of_stdout(small_store: Store, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small_store.path, tmp_path / "out"))
    command = [sys.executable, "-m", "preroll", "experiment", "results", str(folder)]
    with open("/dev/full", "w") as full:
        assert subprocess.run(command, stdout=full, stderr=full, check=False).returncode == 1
        assert subprocess.run([*command, "--parquet"], stdout=full, stderr=full, check=False).returncode == 0
    assert len(pd.read_parquet(folder / "results.parquet")) == 12


def test_missing_cells_are_named_and_give_exit_status_1(small_store: Store, tmp_path: Path) -> None:
    store = Store(Path(shutil.copytree(small_store.path, tmp_path / "out")))
    gone = store.read_plan().cells[3]
    shutil.rmtree(store.folder(gone))
    states = preroll("experiment", "status", store.path).stdout
    assert f"missing {gone.id}" in states
    assert states.splitlines()[0].split() == ["agent", "done", "missing"]
    row = next(line for line in states.splitlines() if line.startswith(f"{gone.label} "))
    assert row.split()[2:] == ["1"]
    assert len(preroll("experiment", "status", store.path, "--all").stdout.splitlines()) == 13
    told = preroll("experiment", "results", store.path)
    assert "1 of 2" in told.stdout
    assert isinstance(told.exception, PrerollError)
    assert told.exception.status == 1


def test_the_report_is_one_page_beside_its_experiment_or_where_it_is_asked_for(
    small_store: Store, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(small_store.path, tmp_path / "out"))
    told = preroll("experiment", "report", folder)
    assert told.exit_code == 0
    page = (folder / "report.html").read_text("utf8")
    assert told.stdout == f"{folder / 'report.html'}: {(folder / 'report.html').stat().st_size / 1e6:.2f} MB\n"
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    elsewhere = preroll(
        "experiment", "report", folder, "--out", tmp_path / "p.html", "--pictures", tmp_path / "pictures"
    )
    assert elsewhere.exit_code == 0
    assert (tmp_path / "p.html").read_text("utf8") == page
    pictures = sorted((tmp_path / "pictures").iterdir())
    assert sorted(elsewhere.stdout.splitlines()[1:]) == [str(picture) for picture in pictures]
    assert pictures
    assert all(picture.read_text("utf8").lstrip().startswith(("<svg", "<?xml")) for picture in pictures)


def test_what_is_wrong_with_a_plan_is_told_with_the_name_of_its_file(make_file: MakeFile, tmp_path: Path) -> None:
    for changes, told in (
        ({"vary": {"user.mismatch": [7]}}, "scenario classic: user.mismatch: 7: should be in [0, 1]"),
        ({"agents": ["randm"]}, "agent 'randm': unknown; did you mean random? Agents are random, "),
        ({"agents": ["random", "random"]}, "agents: random occurs twice"),
    ):
        file = make_file(**changes)
        error = preroll("experiment", "run", file, "--out", tmp_path / "out").exception
        assert isinstance(error, PrerollError)
        assert str(error).startswith(f"{file}: {told}")


def test_a_folder_of_something_else_is_said_so(tmp_path: Path) -> None:
    for command in (("experiment", "status"), ("experiment", "results"), ("experiment", "report")):
        told = preroll(*command, tmp_path)
        assert isinstance(told.exception, PrerollError)
        assert "is no folder of an experiment" in str(told.exception)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_can_be_run(path: Path, tmp_path: Path) -> None:
    plan = Plan.of(Experiment.load(path))
    assert len(plan.cells) >= 60
    assert "description" in load_yaml(path)
    # A cell of every agent that is quick, made small, at the last point.
    last = {cell.label: cell for cell in plan.cells if cell.agent != "ppo"}
    cells = tuple(replace(cell, sessions=100, evaluation_sessions=300) for cell in last.values())
    store = Store(tmp_path / "out")
    assert run_plan(Plan(plan.name, "", plan.keys, cells), "", store, in_this_process).done == len(cells)
