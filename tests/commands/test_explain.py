"""`preroll explain`: where trained agents lose, as text, as CSV and as a picture."""

import io
import re
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from preroll.envs import Optimum, PhasedOptimum, Tables, belief_optimum
from preroll.simulations import train
from tests.commands.conftest import Run

SMALL = {"num_envs": 8, "steps": 5, "batch": 40, "recurrent_units": 8}


@pytest.fixture(scope="module")
def runs(small_catalog_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    trainings = {"thompson": "fatigue", "myopic": "fatigue", "hidden": "hidden-users", "drifting": "drift"}
    agents = {"myopic": "greedy", "hidden": "greedy", "drifting": "thompson"}
    for name, scenario in trainings.items():
        agent = agents.get(name, name)
        train(agent, scenario=scenario, catalog=small_catalog_folder, sessions=300, run=folder / name)
    train(
        "recurrent-ppo", scenario="fatigue", catalog=small_catalog_folder, sessions=100, run=folder / "memory",
        settings=SMALL,
    )  # fmt: skip
    return folder


def rows_of(told: str) -> list[list[str]]:
    """Cells of the rows of the first table."""
    return [re.split(r"\s{2,}", line.strip()) for line in told.split("\n\n")[1].splitlines()]


def test_a_run_is_explained_in_sentences_tables_and_a_map(run: Run, runs: Path) -> None:
    status, told, _ = run("explain", runs / "myopic")
    assert status == 0
    lines = told.splitlines()
    exact = re.match(
        r"myopic loses (\d+\.\d\d) % of the optimum: \d\.\d{3} of \d\.\d{3} per session, exactly\.", lines[0]
    )
    assert exact is not None
    assert lines[1].startswith("Most is lost before c")
    assert lines[2].startswith("By ad, most is lost where c")
    rows = rows_of(told)
    assert rows[0] == ["split", "part", "lost", "% of optimum"]
    assert [row[0] for row in rows[1:] if len(row) == 4] == ["category", "fatigue", "session", "ad"]
    assert sum(float(row[-1]) for row in rows[1:4]) == pytest.approx(float(exact[1]), abs=0.02)
    assert rows[-1][0] == "none"
    assert re.search(r"category\s+0\s+1\s+2\s+3\s+4\s+5\n", told)
    assert "the saved agent without exploration; what was lost while learning is in the run's curve" in told


def test_the_regret_is_that_of_evaluate(run: Run, runs: Path) -> None:
    """Phases of drift weigh alike."""
    for name in ("thompson", "drifting"):
        row = next(line for line in run("evaluate", runs / name)[1].splitlines() if line.startswith(name)).split()
        assert f" % of the optimum: {row[row.index('±') + 3]} of " in run("explain", runs / name)[1], row


def test_csv_is_all_that_stdout_gets_and_adds_up(run: Run, runs: Path) -> None:
    status, told, _ = run("explain", runs / "thompson", runs / "myopic", "--csv")
    assert status == 0
    assert told.splitlines()[0] == "split,part,lost,percent,low,high,run"
    table = pd.read_csv(io.StringIO(told), keep_default_na=False)
    assert list(dict.fromkeys(table["split"])) == ["category", "fatigue", "session", "slot", "ad", "category × fatigue"]
    assert set(table["run"]) == {"thompson", "myopic"}
    assert set(table["low"]) == set(table["high"]) == {""}
    for _, parts in table.groupby("run"):
        sums = parts.groupby("split")["lost"].sum().to_numpy()
        assert sums == pytest.approx(sums[0], rel=1e-9)
    assert re.search(r"\d\.\d{12,}", told)
    assert len(table[(table["run"] == "thompson") & (table["split"] == "slot")]) == 40


def test_csv_of_an_agent_with_memory_has_intervals(run: Run, runs: Path) -> None:
    status, told, _ = run("explain", runs / "memory", "--csv", "--sessions", "300")
    assert status == 0
    table = pd.read_csv(io.StringIO(told), keep_default_na=False)
    assert (table["low"] <= table["percent"]).all()
    assert (table["percent"] <= table["high"]).all()
    assert (table["low"] >= 0).all()


def test_how_an_agent_without_a_table_is_explained_is_said(run: Run, runs: Path) -> None:
    for arguments in ((runs / "memory",), (runs / "thompson", "--no-exact")):
        status, told, _ = run("explain", *arguments, "--sessions", "300")
        assert status == 0
        assert re.search(r"loses \d+\.\d\d ± \d+\.\d\d % of the optimum: .* in the mean of simulated sessions\.", told)
        assert "± is a 95 % interval over 30 independent lanes of 300 simulated sessions" in told


def test_where_the_optimum_is_a_bound_it_is_said_with_what_nobody_can_earn(
    run: Run, runs: Path, small_catalog_folder: Path
) -> None:
    status, told, _ = run("explain", runs / "hidden")
    assert status == 0
    exact = Optimum(Tables.compile("hidden-users", small_catalog_folder))
    bounds = belief_optimum(exact)
    assert re.match(r"hidden loses \d+\.\d\d % of the bound", told)
    assert "Against the bound: the optimum knows the hidden segment: a bound." in told
    low, high = (100 - 100 * end / exact.value for end in (bounds.upper, bounds.lower))
    assert f"Of it {low:.2f} to {high:.2f} % of the bound is what nobody can earn" in told
    assert "fatigue" not in told.split("Scenario")[0]  # a split with one part says nothing
    assert PhasedOptimum(exact.tables).belief_optimum() == bounds


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_map_is_drawn(run: Run, runs: Path, here: None, ending: str) -> None:
    picture = Path(f"where.{ending}")
    status, told, _ = run("explain", runs / "thompson", runs / "myopic", "--plot", picture)
    assert status == 0
    assert told.splitlines()[-1] == f"What is lost by category and fatigue: where.{ending}"
    if ending == "png":
        with Image.open(picture) as drawn:
            assert min(drawn.size) > 100
    else:
        assert picture.read_text("utf8").count('<g id="axes_') == 2


def test_with_csv_the_picture_is_told_on_stderr(run: Run, runs: Path, here: None) -> None:
    status, told, errors = run("explain", runs / "thompson", "--csv", "--plot", "where.svg")
    assert status == 0
    assert told.splitlines()[-1].startswith("category × fatigue,")
    assert "where.svg" in errors


def test_mistakes_are_one_line_before_anything_is_computed(run: Run, runs: Path, here: None) -> None:
    for arguments, line in (
        ((runs / "thompson", "--plot", "where.pdf"), "--plot where.pdf: the name should end in .png or .svg"),
        (
            (runs / "thompson", "--csv", "--plot", "/dev/stdout"),
            "/dev/stdout: is where --csv writes; name a file",
        ),
        ((runs / "thompson", runs / "drifting"), "were trained on different scenarios; name one with --scenario"),
        ((runs / "thompson", "--sessions", "29"), "sessions: 29: an interval needs at least 30"),
        (("nowhere",), "nowhere"),
    ):
        status, told, errors = run("explain", *arguments)
        assert (status, told) == (2, ""), arguments
        assert errors.splitlines()[-1].startswith("error: ")
        assert line in errors.splitlines()[-1]
