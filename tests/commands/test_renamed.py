"""Whoever uses a name of before is told the new one, in one line."""

import pytest
from typer.testing import CliRunner

from preroll import renamed
from preroll.agents import AGENTS, make_agent
from preroll.commands.cli import app
from preroll.envs import Scenario, Tables
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from tests.commands.conftest import Run


@pytest.mark.parametrize(("old", "new"), renamed.COMMANDS.items())
def test_a_command_of_before_is_told_its_name_and_the_new_one_exists(run: Run, old: str, new: str) -> None:
    status, _, errors = run(*old.split(), "anything")
    assert (status, errors) == (2, f"error: `preroll {old}` is now `preroll {new}`\n")
    assert CliRunner().invoke(app, [*new.split(), "--help"]).exit_code == 0


@pytest.mark.parametrize(("old", "new"), renamed.PRESETS.items())
def test_a_preset_of_before_is_told_its_name(old: str, new: str) -> None:
    with pytest.raises(PrerollError, match=f"scenario '{old}': the preset is now '{new}'"):
        Scenario.load(old)
    assert Scenario.load(new).name == new


@pytest.mark.parametrize(
    ("agent", "old", "new"),
    [
        ("thompson", "lanes", "num_envs"),
        ("ucb1", "memory", "forgetting"),
        ("recurrent-ppo", "memory", "recurrent_units"),
        ("dqn", "horizon", "bootstrap_at_horizon"),
    ],
)
def test_a_setting_of_before_is_told_its_name(agent: str, old: str, new: str, small_catalog: Catalog) -> None:
    assert new in AGENTS[agent].load().Settings.model_fields
    with pytest.raises(PrerollError, match=f"agent {agent}: the setting '{old}' is now '{new}'"):
        make_agent(agent, Tables.compile("classic", small_catalog), **{old: 1})


def test_a_setting_that_an_agent_never_had_is_unknown(small_catalog: Catalog) -> None:
    with pytest.raises(PrerollError, match="unknown setting 'memory'; settings are num_envs"):
        make_agent("linucb", Tables.compile("classic", small_catalog), memory="all")
