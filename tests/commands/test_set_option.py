import pytest
from typer.testing import CliRunner

from preroll.commands.cli import app
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.terminal.set_option import changed_scenario, parse_changes


def test_values_are_read_as_yaml_and_numbers_as_numbers() -> None:
    settings, overrides = parse_changes(
        ["lr=1e-3", "num_envs=256", "hidden=[32, 32]", "growth=log", "user.mismatch=.5"]
    )
    assert settings == {"lr": 0.001, "num_envs": 256, "hidden": [32, 32], "growth": "log"}
    assert isinstance(settings["num_envs"], int)
    assert overrides == {"user.mismatch": 0.5}


@pytest.mark.parametrize("change", ["num_envs", "=3", "hidden=[1"])
def test_a_change_that_cannot_be_read_is_shown(change: str) -> None:
    with pytest.raises(PrerollError, match=r"^--set "):
        parse_changes([change])


def test_a_command_without_an_agent_takes_keys_of_the_scenario_alone() -> None:
    assert changed_scenario("fatigue", None) == Scenario.load("fatigue")
    assert changed_scenario("fatigue", ["user.mismatch=0.2"]) == Scenario.load("fatigue").replace(
        {"user.mismatch": 0.2}
    )
    with pytest.raises(PrerollError, match=r"--set num_envs: is no key of a scenario"):
        changed_scenario("fatigue", ["num_envs=3"])


@pytest.mark.parametrize("command", [["optimum"], ["check-env"], ["scenario", "show", "classic"]])
def test_a_key_that_the_scenario_lacks_is_told_by_every_command(command: list[str]) -> None:
    result = CliRunner().invoke(app, [*command, "--set", "user.patience=2"])
    assert isinstance(result.exception, PrerollError)
    assert "user.patience: unknown key 'patience'" in str(result.exception)


def test_what_is_shown_is_the_changed_scenario() -> None:
    result = CliRunner().invoke(app, ["scenario", "show", "classic", "--set", "user.mismatch=0.2"])
    assert "  mismatch: 0.2\n" in result.stdout
