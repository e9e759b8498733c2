import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from preroll.commands.cli import app
from preroll.errors import PrerollError
from preroll.simulations.training.training import train


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
    assert len(simulated["classic-thompson"]) == len(exact["classic-thompson"]) - 1
    assert simulated["classic-thompson"][:4] == exact["classic-thompson"][:4]
    assert simulated["greedy"] == exact["greedy"]


def test_piped_output_is_plain_text_and_the_same_every_time(runs: Path) -> None:
    one, two = (evaluate(runs / "classic-thompson", "--sessions", "500").stdout for _ in range(2))
    assert one == two
    assert "\x1b" not in one


def test_runs_of_different_scenarios_need_one_named(runs: Path) -> None:
    mixed = (runs / "classic-thompson", runs / "fatigue-linucb")
    result = evaluate(*mixed, "--sessions", "300")
    assert isinstance(result.exception, PrerollError)
    assert "different scenarios; name one with --scenario" in str(result.exception)
    result = evaluate(*mixed, "--sessions", "300", "--scenario", "classic")
    assert "agent fatigue-linucb: was trained with other ads" in str(result.exception)


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
