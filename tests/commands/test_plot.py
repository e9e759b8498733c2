"""`preroll plot`: learning curves of runs in one picture."""

from pathlib import Path

import pytest

from preroll.envs import Scenario
from preroll.simulations import train
from tests.commands.conftest import Run


@pytest.fixture(scope="module")
def runs(small_catalog_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for name, scenario in (("thompson", "classic"), ("random", "classic"), ("linucb", "fatigue")):
        train(name, scenario=scenario, catalog=small_catalog_folder, sessions=300, run=folder / f"{scenario}-{name}")
    return folder


def drawn(run: Run, out: Path, *runs: Path) -> list[str]:
    """The texts of a picture that a command draws."""
    status, told, _ = run("plot", *runs, "--out", out)
    assert (status, told) == (0, f"Learning curves: {out}\n")
    return [part.partition("</text>")[0].rpartition(">")[2] for part in out.read_text().split("<text ")[1:]]


def test_runs_of_one_scenario_have_random_and_greedy_beside_them(run: Run, runs: Path, tmp_path: Path) -> None:
    texts = drawn(run, tmp_path / "curves.svg", runs / "classic-thompson", runs / "classic-random")
    for text in ("Learning on classic", "classic-thompson", "classic-random", "sessions seen"):
        assert text in texts
    assert "greedy = optimum 100.0" in texts
    assert any(text.startswith("random 5") for text in texts)


def test_runs_of_several_scenarios_share_one_measure(run: Run, runs: Path, tmp_path: Path) -> None:
    texts = drawn(run, tmp_path / "curves.svg", runs / "classic-thompson", runs / "fatigue-linucb")
    assert "Learning on classic, fatigue" in texts
    assert "optimum 100.0" in texts
    assert not any(text.startswith("random") for text in texts)


def test_a_catalog_that_is_gone_leaves_the_curves(run: Run, small_catalog_folder: Path, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog"
    catalog.symlink_to(small_catalog_folder)
    train("thompson", scenario=Scenario.load("classic"), catalog=catalog, sessions=100, run=tmp_path / "run")
    catalog.unlink()
    assert "optimum 100.0" in drawn(run, tmp_path / "curves.svg", tmp_path / "run")


def test_what_is_no_run_is_told_and_nothing_drawn(run: Run, runs: Path, tmp_path: Path) -> None:
    status, told, errors = run("plot", runs / "classic-thompson", tmp_path / "nowhere", "--out", tmp_path / "x.png")
    assert (status, told) == (2, "")
    assert str(tmp_path / "nowhere") in errors
    assert not (tmp_path / "x.png").exists()
