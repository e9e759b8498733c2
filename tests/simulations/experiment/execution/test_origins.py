"""What an experiment tells of its origin is that of all its cells, not that of the first."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from preroll.commands.cli import app
from preroll.simulations.experiment.execution.cell import CELL, cell_request, run_cell
from preroll.simulations.experiment.execution.runner import run_plan
from preroll.simulations.experiment.execution.store import Store
from preroll.simulations.experiment.execution.tensorboard import columns_of
from preroll.simulations.experiment.execution.tidy_table import results
from preroll.simulations.report.data import Material
from preroll.simulations.report.findings import headline
from preroll.simulations.report.page import page
from preroll.simulations.training import provenance as made_by
from preroll.simulations.training.run import Run
from preroll.simulations.training.timing import TIME_TAGS
from tests.resealed import reseal
from tests.simulations.conftest import MakeFile, load
from tests.simulations.experiment.execution.test_runner import in_this_process

pytestmark = pytest.mark.usefixtures("unpainted")


@pytest.fixture
def store(small_store: Store, tmp_path: Path) -> Store:
    """A copy of the small experiment, made by this process's version also where files were edited meanwhile."""
    copy, now = Store(Path(shutil.copytree(small_store.path, tmp_path / "out"))), made_by.provenance()
    for cell in copy.read_plan().cells:
        changed(copy.folder(cell) / "result.json", **now)
        changed(copy.folder(cell) / CELL, provenance=now)
    return copy


def status(store: Store) -> list[str]:
    return CliRunner().invoke(app, ["experiment", "status", str(store.path)]).stdout.splitlines()


def changed(path: Path, **entries: Any) -> None:
    """Writes entries into a JSON file, one level deep."""
    content = json.loads(path.read_text("utf8"))
    for name, value in entries.items():
        content[name] = {**content[name], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(content), "utf8")
    reseal(path.parent)


def test_cells_of_one_version_are_told_as_one(store: Store) -> None:
    assert len(status(store)) == 1
    html, versions = page(Material.of(store)), made_by.provenance()["versions"]
    assert ", ".join(f"{name} {number}" for name, number in versions.items()) + ". Code: " in html
    assert f"Machine: {made_by.machine()}. Page by" in html
    assert "another version" not in html
    table = results(store)
    assert set(table["machine"]) == {made_by.machine()}
    assert set(table["version.torch"]) == {versions["torch"]}


@pytest.mark.parametrize("number", [0, 11])
def test_a_cell_of_another_version_is_named_wherever_it_stands(number: int, store: Store) -> None:
    cell, now = store.read_plan().cells[number], made_by.provenance()
    was = now["versions"]["torch"]
    changed(store.folder(cell) / "result.json", versions={"torch": "1.0"}, git="5eed", changed=True, machine="abacus")
    changed(store.folder(cell) / CELL, provenance={"versions": {"torch": "1.0"}, "git": "5eed", "changed": True})
    line, last = status(store)
    assert line.startswith(f"done    {cell.id}: by torch 1.0, code 5eed (changed); now torch {was}, code ")
    assert "12 cells, 12 done, 1 of them by another version; " in last
    material = Material.of(store)
    assert headline(material)[0].startswith("1 of 12 cells were made by another version than most")
    html = page(material)
    assert f"<li>{cell.id}: torch 1.0, code 5eed (changed)</li>" in html
    assert f"torch {was} (11 of 12 cells), 1.0 (1 of 12 cells)" in html
    assert "5eed (changed) (1 of 12 cells)" in html
    assert f"abacus + {made_by.machine()} (1 of 12 cells)" in html


def test_a_training_and_an_evaluation_by_two_versions_are_told_as_both(store: Store) -> None:
    cell = store.read_plan().cells[5]
    changed(store.folder(cell) / "result.json", versions={"numpy": "1.0"}, changed=True)
    table, numpy = results(store).set_index("id"), made_by.provenance()["versions"]["numpy"]
    assert table.loc[cell.id, "version.numpy"] == f"1.0 + {numpy}"
    assert table.loc[cell.id, "git_changed"]
    assert f": by numpy 1.0 + {numpy}" in status(store)[0]


def test_cells_that_were_stored_before_their_machine_was_are_read(store: Store) -> None:
    for cell in store.read_plan().cells:
        for file in (store.folder(cell) / "result.json", store.folder(cell) / CELL):
            content = json.loads(file.read_text("utf8"))
            for part in (content, content.get("provenance", {}), content.get("cost", {})):
                for name in ("machine", "curve") if part is not content else ("machine",):
                    part.pop(name, None)
            file.write_text(json.dumps(content), "utf8")
        reseal(store.folder(cell))
    assert "Machine: unknown. " in page(Material.of(store))
    assert results(store)["machine"].isna().all()
    assert len(status(store)) == 1


def test_a_cell_tells_what_ran_it_not_what_asked_for_it(
    make_file: MakeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker on another machine of a cluster has its own code."""
    plan = load(make_file(agents=["random"], sessions=50))
    request = cell_request(plan.cells[0], tmp_path / "run", columns_of(plan))
    monkeypatch.setattr(made_by, "_code", lambda: {"git": "far", "changed": False})
    monkeypatch.setattr(made_by, "machine", lambda: "away")
    run_cell(request)
    for told in (Run.load(tmp_path / "run").result, json.loads((tmp_path / "run" / CELL).read_text())["provenance"]):
        assert (told["git"], told["changed"], told["machine"]) == ("far", False, "away")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_reused_training_has_its_time_curves_and_counts_once(make_file: MakeFile, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    path = make_file(agents=[{"thompson": {"num_envs": 16}}], train={"usual": "scenario"}, seeds=1)
    store = Store(tmp_path / "out")
    assert run_plan(load(path), path.read_text(), store, in_this_process).done == 2
    for cell in load(path).cells:
        run = Run.load(store.folder(cell))
        changed(store.folder(cell) / "result.json", cost={"cpu_seconds": 1000.0})
        read = EventAccumulator(str(store.folder(cell))).Reload()
        for tag in TIME_TAGS:
            assert [event.step for event in read.Scalars(tag)] == run.curve.sessions == [50, 100, 150]
            told = run.result["cost"]["curve"]["values"][tag]
            assert [event.value for event in read.Scalars(tag)] == pytest.approx(told)
    assert "2 cells, 1,000 CPU s of training." in page(Material.of(store))
