import io
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from preroll.commands.cli import app
from preroll.envs.scenario.scenario import Scenario
from preroll.simulations.training.training import train
from tests.commands.conftest import Run


@pytest.fixture(scope="module")
def runs(small_catalog_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for name, scenario in (("thompson", "classic"), ("greedy", "classic"), ("linucb", "fatigue")):
        train(name, scenario=scenario, catalog=small_catalog_folder, sessions=300, run=folder / f"{scenario}-{name}")
    return folder


def evaluate(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["evaluate", *(str(argument) for argument in arguments)])


def test_a_run_stands_beside_random_greedy_and_the_optimum(runs: Path) -> None:
    result = evaluate(runs / "classic-thompson", runs / "classic-greedy", "--sessions", "2000")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split()[:2] == ["agent", "revenue"]
    assert sorted(line.split()[0] for line in lines[1:5]) == ["classic-thompson", "greedy", "optimum", "random"]
    assert "2,000 sessions" in lines[5]


def test_without_exact_values_a_run_has_none_and_its_simulated_revenue_is_the_same(runs: Path) -> None:
    exact, simulated = (
        {line.split()[0]: line.split() for line in evaluate(runs / "classic-thompson", *more).stdout.splitlines()}
        for more in (("--sessions", "600"), ("--sessions", "600", "--no-exact"))
    )
    assert exact["agent"] == simulated["agent"]
    assert "exact" in exact["agent"]
    # No exact value, and a percent with an interval, which is two words more.
    assert len(simulated["classic-thompson"]) == len(exact["classic-thompson"]) - 1 + 2
    assert simulated["classic-thompson"][:4] == exact["classic-thompson"][:4]
    assert simulated["greedy"] == exact["greedy"]


def test_piped_output_is_plain_text_and_the_same_every_time(runs: Path) -> None:
    one, two = (evaluate(runs / "classic-thompson", "--sessions", "500").stdout for _ in range(2))
    assert one == two
    assert "\x1b" not in one


def test_runs_of_different_scenarios_play_each_that_they_fit(
    run: Run, runs: Path, small_catalog_folder: Path, tmp_path: Path
) -> None:
    near = tmp_path / "near"
    world = Scenario.load("classic").replace({"user.mismatch": 0.1, "name": "near"})
    train("random", scenario=world, catalog=small_catalog_folder, sessions=50, run=near)
    status, told, _ = run("evaluate", runs / "classic-thompson", near, runs / "fatigue-linucb", "--sessions", "300")
    assert status == 0
    tables = [part.splitlines() for part in told.split("\n\n")[:-1]]
    assert [[line.split()[0] for line in table if line.startswith(("classic-", "fatigue-"))] for table in tables] == [
        ["classic-thompson"],
        ["classic-thompson"],
        ["fatigue-linucb"],
    ]
    assert all(f"Scenario {name}:" in told for name in ("classic", "near", "fatigue"))
    notes = [line for line in told.splitlines() if line.startswith("note: ")]
    assert sum("agent fatigue-linucb: was trained with other ads" in note for note in notes) == 2
    assert sum("agent classic-thompson: was trained with other ads" in note for note in notes) == 1


def test_scenarios_that_are_asked_for_are_played_by_whoever_fits(run: Run, runs: Path) -> None:
    several = ("--scenario", "classic", "--scenario", "drift", "--sessions", "1200")
    status, told, _ = run("evaluate", runs / "classic-thompson", *several)
    assert status == 0
    first, second, legend = told.split("\n\n")
    assert first.startswith("Scenario classic:\nagent")
    assert second.startswith("Scenario drift:\nagent")
    assert told.count("Revenue and regret are per session") == legend.count("Revenue and regret are per session") == 1
    several = ("--scenario", "fatigue", "--scenario", "classic", "--sessions", "300")
    status, told, _ = run("evaluate", runs / "classic-thompson", *several)
    assert status == 0
    assert told.count("\nclassic-thompson ") == 1
    assert told.splitlines()[-1] == (
        "note: agent classic-thompson: was trained with other ads: scenario fatigue also has the empty slot, none; the "
        "agent is left out of its table"
    )


def test_a_scenario_that_no_run_fits_is_refused_in_one_line(run: Run, runs: Path) -> None:
    assert run("evaluate", runs / "fatigue-linucb", "--scenario", "classic") == (
        2,
        "",
        "error: agent fatigue-linucb: was trained with other ads: scenario classic lacks the empty slot, none\n",
    )


@pytest.mark.parametrize("command", ["evaluate", "explain", "plot --out OUT.png", "experiment report --out OUT.html"])
def test_a_run_that_is_named_twice_counts_once_and_this_is_said(
    run: Run, runs: Path, tmp_path: Path, command: str
) -> None:
    one, words = runs / "classic-thompson", command.replace("OUT", str(tmp_path / "out")).split()
    status, told, _ = run(*words, one, runs / ".." / runs.name / one.name)
    assert status == 0
    assert sum(line.startswith("classic-thompson") for line in told.splitlines()) <= 1
    assert f"note: {one}: is named more than once, and counts once\n" in told


def test_numbers_for_programs_are_those_of_the_result(run: Run, runs: Path) -> None:
    arguments = ("evaluate", runs / "classic-thompson", "--sessions", "300")
    csv, text = (run(*arguments, form)[1] for form in ("--csv", "--json"))
    table, rows = pd.read_csv(io.StringIO(csv), keep_default_na=False), json.loads(text)
    assert list(table.columns) == list(rows[0])
    assert list(table["agent"]) == [row["agent"] for row in rows] == ["classic-thompson", "random", "greedy", "optimum"]
    assert list(table["revenue"]) == [row["revenue"] for row in rows]
    for row in rows:
        assert row["revenue_low"] <= row["revenue"] <= row["revenue_high"]
        assert row["scenario"] == "classic"
    assert rows[-1]["percent_of_optimum"] == 100
    status, told, errors = run(*arguments, "--csv", "--json")
    assert (status, told, errors) == (2, "", "error: --csv and --json: give one of them\n")
    status, told, errors = run(*arguments, "--csv", "--plot", "/dev/stdout")
    assert (status, told) == (2, "")
    assert "--plot /dev/stdout: is where --csv writes; name a file" in errors


def test_a_picture_has_a_bar_for_every_agent(run: Run, runs: Path, tmp_path: Path) -> None:
    arguments = ("evaluate", runs / "classic-thompson", "--sessions", "300", "--plot", tmp_path / "bars.svg")
    status, told, _ = run(*arguments)
    assert status == 0
    assert told.endswith(f"Percent of the optimum: {tmp_path / 'bars.svg'}\n")
    drawn = (tmp_path / "bars.svg").read_text()
    for name in ("classic-thompson", "random", "greedy", "optimum", "classic: 300 sessions of each agent"):
        assert f">{name}</text>" in drawn


def test_another_scenario_with_the_same_ads_may_be_named(runs: Path, tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["scenario", "show", "classic"]).stdout
    (tmp_path / "strict.yaml").write_text(shown.replace("mismatch: 0.4", "mismatch: 0.1").replace("classic", "strict"))
    result = evaluate(runs / "classic-thompson", "--sessions", "300", "--scenario", tmp_path / "strict.yaml")
    assert result.exit_code == 0
    assert "Scenario strict" in result.stdout


def test_runs_with_one_name_are_told_apart_by_their_paths(
    runs: Path, small_catalog_folder: Path, tmp_path: Path
) -> None:
    both = [shutil.copytree(runs / "classic-thompson", tmp_path / name / "run") for name in ("a", "b")]
    result = evaluate(*both, "--sessions", "300", "--catalog", small_catalog_folder)
    assert result.exit_code == 0
    assert sorted(re.findall(r"^([ab])/run ", result.stdout, re.MULTILINE)) == ["a", "b"]
