import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from preroll.commands.cli import app
from preroll.errors import PrerollError
from preroll.simulations.training.run import Run


def train(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["train", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_a_run_is_written_and_the_next_commands_are_named(small_catalog_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    told = train(
        "thompson", "--catalog", str(small_catalog_folder), "--sessions", "200", "--seed", "3", "--run", str(run),
        "--set", "num_envs=16", "--set", "prior_views=2e0", "--set", "user.mismatch=0.2",
    )  # fmt: skip
    assert f"preroll evaluate {run}" in told
    assert f"tensorboard --logdir {tmp_path}" in told
    opened = Run.open(run)
    assert opened.settings.seed == 3
    assert opened.settings.settings["num_envs"] == 16
    assert opened.settings.settings["prior_views"] == 2
    assert opened.scenario.user.mismatch == 0.2


def test_without_a_name_a_run_is_called_after_what_it_is(
    small_catalog_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = train("random", "--catalog", str(small_catalog_folder), "--sessions", "60", "--scenario", "fatigue")
    assert re.search(r"the exact optimum is \d+\.\d\d\.\n", told)
    assert Run.open(Path("runs/fatigue-random-0")).settings.sessions == 60


def test_what_no_agent_can_know_is_said_of_the_optimum(small_catalog_folder: Path, tmp_path: Path) -> None:
    arguments = ("--catalog", str(small_catalog_folder), "--sessions", "60", "--run", str(tmp_path / "run"))
    told = train("random", "--scenario", "hidden-users", *arguments)
    assert re.search(r"the exact optimum is \d+\.\d\d, which knows the hidden segment: a bound\.\n", told)


def test_a_run_that_is_there_is_replaced_only_when_asked(small_catalog_folder: Path, tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    arguments = ("random", "--catalog", str(small_catalog_folder), "--run", run)
    train(*arguments, "--sessions", "60")
    result = CliRunner().invoke(app, ["train", *arguments, "--sessions", "70"])
    assert isinstance(result.exception, PrerollError)
    assert Run.open(run).settings.sessions == 60
    train(*arguments, "--sessions", "70", "--replace")
    assert Run.open(run).settings.sessions == 70
