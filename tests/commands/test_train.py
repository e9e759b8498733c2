import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from preroll.agents import AGENTS
from preroll.commands.cli import app
from preroll.envs import Scenario
from preroll.errors import PrerollError
from preroll.simulations.runs.default_names import default_name
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
    assert f"preroll tensorboard {tmp_path}" in told
    opened = Run.load(run)
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
    optimum = {8: "1.00", 80: "3.50"}[sessions]  # the mean of what they met, not that of the first phase
    assert f"earned {optimum} each; the exact optimum is {optimum}." in told


@pytest.mark.parametrize(("sessions", "told"), [(300, "all of them earned "), (9000, "about the last ")])
def test_what_was_earned_lately_is_a_mean_of_many_sessions(
    sessions: int, told: str, small_catalog_folder: Path, tmp_path: Path
) -> None:
    arguments = ("--catalog", str(small_catalog_folder), "--sessions", str(sessions), "--run", str(tmp_path / "run"))
    said = train("random", *arguments)
    assert told in said
    if "last" in told:
        assert int(re.search(r"the last ([\d,]+) earned", said)[1].replace(",", "")) >= 500  # type: ignore[index]


def test_without_a_name_a_run_is_called_after_what_it_is(
    small_catalog_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = train("random", "--catalog", str(small_catalog_folder), "--sessions", "60", "--scenario", "fatigue")
    assert re.search(r"the exact optimum is \d+\.\d\d\.\n", told)
    assert Run.load(Path("runs/fatigue-random-0")).settings.sessions == 60


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
    assert Run.load(run).settings.sessions == 60
    train(*arguments, "--sessions", "70", "--replace")
    assert Run.load(run).settings.sessions == 70


def test_a_default_name_tells_what_was_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    train("random", "--sessions", "60")
    train("random", "--sessions", "60", "--set", "user.mismatch=0.20", "--set", "num_envs=32")
    train("random", "--sessions", "60", "--seed", "1", "--set", "num_envs=64")
    train("random", "--sessions", "60", "--set", "ads.*.*.reward={scale: 2}")
    names = ["classic-random-0", "classic-random-0-ads.-.-.reward=-scale-2--447903b374"]
    names[1] = next(path.name for path in Path("runs").iterdir() if "reward" in path.name)
    assert sorted(path.name for path in Path("runs").iterdir()) == [
        *names, "classic-random-0-num_envs=32-user.mismatch=0.2", "classic-random-1",
    ]  # fmt: skip
    assert re.fullmatch(r"classic-random-0-ads\.-\.-\.reward=-scale-2--[0-9a-f]{10}", names[1])


def test_a_finished_run_is_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    train("dqn", "--sessions", "60", "--set", "learning_starts=100", "--run", "first")
    result = CliRunner().invoke(app, ["train", "--continue", "first", "--sessions", "100"], catch_exceptions=False)
    assert "dqn: 100 further sessions in " in result.stdout
    assert "all of them earned" in result.stdout
    assert "note: the replay buffer starts empty: learning goes on once it holds 100 transitions" in result.stderr
    run = Run.load("runs/first-plus-100")
    assert run.settings.origin is not None
    assert run.settings.origin.path == "../../first"
    again = train("--continue", "runs/first-plus-100", "--sessions", "50", "--run", "third", "--catalog", "demo")
    assert "Run: third" in again
    assert Run.load("third").curve.sessions == [210]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["dqn"], "--continue run: takes no AGENT, only --catalog, --sessions, --run, --replace"),
        (["--scenario", "classic"], "--continue run: takes no --scenario, only "),
        (["--seed", "0"], "--continue run: takes no --seed, only "),
        (["--set", "gamma=1"], "--continue run: takes no --set, only "),
        (["--sb3-defaults"], "--continue run: takes no --sb3-defaults, only "),
        ([], "run run: no such folder; make one with `preroll train AGENT --run run`"),
        (["--sessions", "5"], "run run: no such folder; make one with `preroll train AGENT --run run`"),
    ],
)
def test_what_a_continued_training_cannot_change_is_refused(
    arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["train", "--continue", "run", *arguments])
    assert isinstance(result.exception, PrerollError)
    assert str(result.exception).startswith(told)


@pytest.mark.parametrize(
    "given", [["dqn"], ["--seed", "1"], ["--sessions", "5"], ["--scenario", "x"], ["--catalog", "x"], ["--run", "x"],
              ["--set", "a=1"], ["--sb3-defaults"], ["--replace"], ["--continue", "x"]],
)  # fmt: skip
def test_a_resumed_training_takes_nothing_else(given: list[str]) -> None:
    result = CliRunner().invoke(app, ["train", "--resume", "run", *given])
    word = given[0] if given[0].startswith("--") else "AGENT"
    assert str(result.exception) == f"--resume run: takes no {word} or other option"


@pytest.mark.parametrize("agent", [name for name, entry in AGENTS.items() if entry.family == "deep"])
@pytest.mark.parametrize("named", [[], ["--run", "run"]])
def test_a_gpu_that_torch_does_not_see_is_refused_before_anything_is_written(
    agent: str, named: list[str], small_catalog_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.chdir(tmp_path)
    arguments = ["train", agent, "--catalog", str(small_catalog_folder), *named]
    with pytest.raises(PrerollError, match=rf"^agent {agent}: device: cuda: torch sees no GPU here; allowed: cpu$"):
        CliRunner().invoke(app, [*arguments, "--device", "cuda"], catch_exceptions=False)
    assert not any(tmp_path.iterdir())


def test_a_gpu_is_part_of_the_default_name_and_the_cpu_is_not() -> None:
    assert default_name("classic", "ppo", 0, {"device": "cuda"}, {}) == "classic-ppo-0-device=cuda"
    assert default_name("classic", "ppo", 0, {"device": "cpu"}, {}) == "classic-ppo-0"
