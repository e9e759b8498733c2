from pathlib import Path

import pytest
from typer.testing import CliRunner

from preroll.bounded.yaml_text import load_yaml
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


def test_a_value_has_the_type_that_it_has_in_a_file(tmp_path: Path) -> None:
    values = [
        "1",
        "1e3",
        "-.5e-2",
        "012",
        "no",
        "off",
        "true",
        "~",
        "",
        "1:30",
        "2026-11-26",
        "nan",
        ".inf",
        "[1, {a: 2}]",
        "---",
        "...",
        "1_000",
        "yes # by far",
        "!!binary YQ==",
    ]
    for text in values:
        (tmp_path / "a.yaml").write_text(f"value: {text}\n")
        assert repr(parse_changes([f"value={text}"])[0]) == repr(load_yaml(tmp_path / "a.yaml"))


@pytest.mark.parametrize("change", ["num_envs", "=3", "hidden=[1", "a=- 1", "a=b: c", "a=1\nb: 2"])
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
