import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from preroll.commands.cli import app
from preroll.envs import Scenario
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


@pytest.mark.parametrize(("sessions", "met"), [(8, 1), (80, 3)])
def test_with_drift_the_phases_that_were_met_are_told_and_the_optimum_is_theirs(
    small_catalog_folder: Path, sessions: int, met: int, tmp_path: Path
) -> None:
    """Eight lanes of one-slot sessions: the ninth session is the second of its lane, where rewards double."""
    scenario = tmp_path / "drifting.yaml"
    change = "{'ads.*.*.reward': {scale: 2}}"
    drift = [f"{{from_session: {start}, set: {change}}}" for start in (1, 2)]
    scenario.write_text(
        f"ads: {{cars: &ads {{a: {{seconds: 5, view_probability: 1, reward: 1}}}}, cats: *ads, concerts: *ads}}\n"
        f"session: {{horizon: 1}}\nuser: {{mismatch: 1}}\ndrift: [{', '.join(drift)}]\n"
    )
    told = train(
        "random", "--scenario", str(scenario), "--catalog", str(small_catalog_folder), "--sessions", str(sessions),
        "--set", "num_envs=8", "--run", str(tmp_path / "run"),
    )  # fmt: skip
    assert f"Phases of drift met: {met} of 3, in 8 lanes." in told
    assert ("session 2 of a lane, here after about 16 sessions" in told) == (met < 3)
    optimum = {8: "1.00", 80: "4.00"}[sessions]  # that of the last sessions, not of the first phase
    assert f"earned {optimum} each; the exact optimum is {optimum}." in told


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
    assert re.search(r"; the optimum \(it knows the hidden segment: a bound\) is \d+\.\d\d\.\n", told)


@pytest.mark.parametrize(
    ("sessions", "best"), [(8, "the exact optimum"), (16, "the optimum (it knows the hidden segment")]
)
def test_what_no_agent_can_know_is_said_in_the_phase_of_drift_that_hides_it(
    small_catalog_folder: Path, sessions: int, best: str, tmp_path: Path
) -> None:
    """Eight lanes: in the second session of a lane the segments begin to differ."""
    same, other = {"name": "same", "share": 0.5}, {"name": "other", "share": 0.5}
    drift = [{"from_session": 1, "set": {"user.segments": [same, {**other, "appeal": {"long": 0.1}}]}}]
    scenario = tmp_path / "drifting.yaml"
    scenario.write_text(Scenario.load("classic").replace({"user.segments": [same, other], "drift": drift}).dump())
    catalog = ("--catalog", str(small_catalog_folder))
    settings = ("--sessions", str(sessions), "--set", "num_envs=8", "--run", str(tmp_path / "run"))
    assert f"; {best}" in train("random", "--scenario", str(scenario), *catalog, *settings)


def test_a_run_that_is_there_is_replaced_only_when_asked(small_catalog_folder: Path, tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    arguments = ("random", "--catalog", str(small_catalog_folder), "--run", run)
    train(*arguments, "--sessions", "60")
    result = CliRunner().invoke(app, ["train", *arguments, "--sessions", "70"])
    assert isinstance(result.exception, PrerollError)
    assert Run.open(run).settings.sessions == 60
    train(*arguments, "--sessions", "70", "--replace")
    assert Run.open(run).settings.sessions == 70
