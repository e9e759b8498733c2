"""Where agents lose, in the page of a report: what cells store, in the mean over seeds."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from preroll.envs import PhasedOptimum
from preroll.simulations.experiment.execution.cell import CELL, EXPLANATION, read_cell
from preroll.simulations.experiment.execution.runner import run_plan
from preroll.simulations.experiment.execution.store import CellState, Store
from preroll.simulations.report.data import Material
from preroll.simulations.report.losses import point_losses
from preroll.simulations.report.page import page
from preroll.simulations.statistics.intervals import interval_text
from tests.resealed import reseal
from tests.simulations.conftest import MakeFile, load
from tests.simulations.experiment.execution.test_runner import in_this_process

pytestmark = pytest.mark.usefixtures("unpainted")

SETTINGS = {"num_envs": 8, "steps": 5, "batch": 40, "recurrent_units": 8}
MEMORY = f"recurrent-ppo-{','.join(f'{name}={value}' for name, value in SETTINGS.items())}"


@pytest.fixture(scope="module")
def store(make_file: MakeFile, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A baseline, a bandit and an agent with memory, with three seeds at one point, where the segment is hidden."""
    path = make_file(
        scenario="fatigue", vary={}, agents=["random", "thompson", {"recurrent-ppo": SETTINGS}], seeds=3, sessions=100,
        evaluate={"sessions": 300},
    )  # fmt: skip
    store = Store(tmp_path_factory.mktemp("losses") / "out")
    assert not run_plan(load(path), path.read_text(), store, in_this_process).failures
    return store


def test_a_cell_stores_what_its_agent_loses(store: Store) -> None:
    material = Material.of(store)
    (point,) = material.points
    for agent in material.agents:
        for cell, told in zip(material.cells(point, agent), material.explanations(point, agent), strict=True):
            exact = PhasedOptimum(material.tables(point))
            assert told["is_exact"] == (agent != MEMORY)
            assert told["optimum"] == pytest.approx(exact.optimum, rel=1e-12)
            regret = read_cell(store.folder(cell))["evaluation"]["regret"]
            for parts in told["lost"].values():
                assert sum(parts.values()) == pytest.approx(sum(told["lost"]["ad"].values()), rel=1e-9)
            if told["is_exact"]:
                assert sum(told["lost"]["ad"].values()) == pytest.approx(regret, abs=1e-9 * exact.optimum)


def test_the_table_has_the_mean_over_seeds_with_its_interval(store: Store) -> None:
    material = Material.of(store)
    (point,) = material.points
    found = point_losses(material, point)
    assert found.table.head == ["split", "part", "random", "thompson", MEMORY]
    told = material.explanations(point, "thompson")
    for split, part, _, (text, key), _ in found.table.rows:
        name = str(part[1])
        values = np.array([100 * one["lost"][split[0]][name] / one["optimum"] for one in told])
        assert (text, key) == (interval_text(values, 2, 0, 100), values.mean())
    assert [row[0][0] for row in found.table.rows].count("fatigue") == 6
    assert found.notes == [f"In the mean of simulated sessions, for agents without a table: {MEMORY}."]


def test_every_learner_has_a_map_of_categories_and_levels(store: Store) -> None:
    material = Material.of(store)
    found = point_losses(material, next(iter(material.points)))
    assert [one.title.split(":")[0] for one in found.maps] == ["thompson", MEMORY]
    one = found.maps[0]
    assert one.head == ["0", "1", "2", "3", "4", "5"]
    assert [name for name, _ in one.lines] == ["cars", "cats", "concerts"]
    html = page(material)
    assert "<h2>Where agents lose</h2>" in html
    assert html.count('<table class="map">') == 2


def test_cells_of_an_earlier_version_stay_done_and_the_page_says_what_they_lack(store: Store, tmp_path: Path) -> None:
    older = Store(Path(shutil.copytree(store.path, tmp_path / "older")))
    plan = older.read_plan()
    for cell in plan.cells:
        if cell.label == "random" or cell.seed == 0:
            file = older.folder(cell) / CELL
            content = json.loads(file.read_text())
            del content[EXPLANATION]
            file.write_text(json.dumps(content))
            reseal(older.folder(cell))
    assert set(older.states(plan).values()) == {CellState.DONE}
    material = Material.of(older)
    found = point_losses(material, next(iter(material.points)))
    lacking = f"random (3 of 3), thompson (1 of 3), {MEMORY} (1 of 3)"
    assert found.notes[-1] == f"Cells of an earlier version, which do not say where they lose: {lacking}."
    assert found.table.head == ["split", "part", "thompson", MEMORY]
    assert lacking in page(material)


def test_against_a_bound_the_page_says_what_the_parts_hold(make_file: MakeFile, tmp_path: Path) -> None:
    path = make_file(
        scenario="hidden-users", vary={}, agents=["random"], seeds=1, sessions=60, evaluate={"sessions": 100}
    )
    store = Store(tmp_path / "out")
    assert not run_plan(load(path), path.read_text(), store, in_this_process).failures
    html = page(Material.of(store))
    assert "Against the bound: the optimum knows the hidden segment: a bound." in html
    assert not re.search(r"±|\[", html.split("Where agents lose</h2>")[1].split("<tbody>")[1].split("</tbody>")[0])
