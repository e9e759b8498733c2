"""A cell that failed stands as failed in results and report, and takes nothing with it."""

import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from preroll.commands.cli import app
from preroll.errors import PrerollError
from preroll.simulations.experiment.execution.cell import CELL, run_cell
from preroll.simulations.experiment.execution.runner import run_plan
from preroll.simulations.experiment.execution.store import CellState, Store
from preroll.simulations.experiment.execution.summary import footnotes, summary
from preroll.simulations.experiment.execution.tidy_table import results, write_parquet
from preroll.simulations.report.data import Material
from preroll.simulations.report.page import page
from preroll.workers.job import JobOutcome, Request
from preroll.workers.pool import Outcomes, Reported
from tests.resealed import reseal
from tests.simulations.conftest import MakeFile, load
from tests.simulations.experiment.execution.test_runner import InThisProcess

pytestmark = pytest.mark.usefixtures("unpainted")

FAR = {"lean-ppo": {"num_envs": 2, "learning_rate": 1e30, "steps": 5, "batch": 5, "hidden": [4]}}


class Forgiving(InThisProcess):
    """Workers that are none, and tell an error as a process does."""

    def map(self, requests: Sequence[Request], progress: Reported | None = None) -> Outcomes:
        for number, request in enumerate(requests):
            try:
                run_cell(request)
            except PrerollError as error:
                yield JobOutcome(number, error=str(error), reason="error")
            else:
                yield JobOutcome(number, {})


@pytest.fixture(scope="module")
def store(make_file: MakeFile, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """An agent that learns beside one whose learning rate is far too large, and one that never begins to learn."""
    path = make_file(agents=["thompson", FAR, "dqn"], vary={}, sessions=70, evaluate={"sessions": 60})
    store = Store(tmp_path_factory.mktemp("failed") / "out")
    outcome = run_plan(load(path), path.read_text(), store, Forgiving())
    assert outcome.done == 4
    assert len(outcome.failures) == 2
    return store


def test_results_list_what_failed_with_the_reason(store: Store, tmp_path: Path) -> None:
    plan = store.read_plan()
    states = store.states(plan)
    titles, rows = summary(store, plan, states)
    assert [row[2] for row in rows] == ["2", "0 of 2", "2"]
    assert rows[1][3:] == ["failed", *[""] * (len(titles) - 4)]
    assert all(len(row) == len(titles) for row in rows)
    told = CliRunner().invoke(app, ["experiment", "results", str(store.path)])
    assert told.exit_code == 1
    lines = [line for line in told.stdout.splitlines() if line.startswith("failed: base/lean-ppo")]
    assert len(lines) == 2
    assert all("at session 1 of 70; try a smaller learning_rate" in line for line in lines)
    table = results(store)
    assert len(table) == 6
    failed = table[table["failure"].notna()]
    assert failed["agent"].tolist() == ["lean-ppo"] * 2
    assert failed["revenue"].isna().all()
    assert table[table["failure"].isna()]["revenue"].notna().all()
    read = pd.read_csv(io.StringIO(table.to_csv(index=False)))
    assert read["failure"].tolist()[2:4] == failed["failure"].tolist()
    write_parquet(table, tmp_path / "results.parquet")
    assert len(pd.read_parquet(tmp_path / "results.parquet")) == 6


def test_who_did_not_learn_is_named_once(store: Store) -> None:
    plan = store.read_plan()
    told = [line for line in footnotes(store, plan, store.states(plan)) if line.startswith("agent dqn has not learned")]
    assert len(told) == 1
    assert "1,400 transitions are fewer than learning_starts (2,000). agent dqn played its 70 sessions" in told[0]
    assert told[0].endswith("(2 cells)")
    assert results(store)["note"].notna().tolist() == [False, False, False, False, True, True]
    assert told[0] in page(Material.of(store))


def test_the_page_has_the_cells_that_failed_and_all_others(store: Store) -> None:
    html = page(Material.of(store))
    assert "2 of 6 cells are not done, 2 of them failed; no interval covers" in html
    failed = html.split("<h2>Cells that failed</h2>")[1]
    assert failed.split("</table>")[0].count(">agent lean-ppo: probabilities: ") == 2
    agents = html.split("<h2>Every agent at every point</h2>")[1].split("</table>")[0]
    assert agents.count("0 of 2") == 1
    assert "A session of" in html


def copied(store: Store, path: Path) -> Store:
    return Store(Path(shutil.copytree(store.path, path)))


@pytest.mark.parametrize("value", ["null", "NaN", "Infinity"])
def test_an_evaluation_of_no_numbers_is_no_result(store: Store, tmp_path: Path, value: str) -> None:
    worse = copied(store, tmp_path / "worse")
    plan = worse.read_plan()
    place = worse.folder(plan.cells[0]) / CELL
    cell = json.loads(place.read_text())
    cell["evaluation"]["percent_of_optimum"] = float("nan")
    place.write_text(json.dumps(cell).replace("NaN", value))
    reseal(place.parent)
    states = worse.states(plan)
    assert states[plan.cells[0].id] is CellState.FAILED
    assert "its revenue is no number" in page(Material.of(worse)).split("<h2>Cells that failed</h2>")[1]
    assert summary(worse, plan, states)[1][0][2] == "1 of 2"


def test_an_agent_of_nan_takes_its_own_session_and_picture_alone(store: Store, tmp_path: Path) -> None:
    """A bug once: the page of the whole experiment failed."""
    worse = copied(store, tmp_path / "worse")
    for cell in worse.read_plan().cells:
        place = worse.folder(cell) / "agent" / "arrays.safetensors"
        if cell.agent == "thompson":
            save_file({name: np.full_like(a, np.nan) for name, a in load_file(place).items()}, place)
            reseal(place.parent)
        elif cell.agent == "dqn":
            shutil.rmtree(place.parent)
        if cell.agent in ("thompson", "dqn"):
            reseal(worse.folder(cell))
    html = page(Material.of(worse))
    assert "A session of" not in html
    assert "<h2>Every agent at every point</h2>" in html


def test_where_every_cell_failed_the_page_says_why(make_file: MakeFile, tmp_path: Path) -> None:
    path, store = make_file(agents=[FAR], vary={}, seeds=1, sessions=20), Store(tmp_path / "out")
    run_plan(load(path), path.read_text(), store, Forgiving())
    plan = store.read_plan()
    assert summary(store, plan, store.states(plan))[1][0][2:4] == ["0 of 1", "failed"]
    with pytest.raises(
        PrerollError, match=r"no cell is done; the first that failed is base/lean-ppo.*: agent lean-ppo"
    ):
        Material.of(store)


def test_a_damaged_list_of_failures_makes_no_cell_that_failed_look_as_if_it_was_never_run(
    store: Store, tmp_path: Path
) -> None:
    damaged = Store(shutil.copytree(store.path, tmp_path / "damaged"))
    text = (damaged.path / "failures.json").read_text("utf8")
    (damaged.path / "failures.json").write_text(text.replace("failures", "failurez"), "utf8")
    before, after = (one.states(one.read_plan()) for one in (store, damaged))
    failed = [
        name
        for name, state in before.items()
        if state is CellState.FAILED and not damaged.logdir.joinpath(name).exists()
    ]
    assert failed
    assert {after[name] for name in failed} == {CellState.DAMAGED}
    assert "failures.json: is not the file that was written" in damaged.reasons(after)[failed[0]]


def test_the_page_shows_the_file_that_was_run_or_says_that_its_copy_is_another(store: Store, tmp_path: Path) -> None:
    damaged = Store(shutil.copytree(store.path, tmp_path / "damaged"))
    text = store.read_text()
    assert text == (store.path / "experiment.yaml").read_text("utf8")
    (damaged.path / "experiment.yaml").write_bytes(text.encode()[:-2] + b"\xff\n")
    assert damaged.read_text().startswith("experiment.yaml is missing or not the file that was run")
    assert damaged.read_text() in page(Material.of(damaged))
