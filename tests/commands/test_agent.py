import pytest
from typer.testing import CliRunner

from preroll.agents.registry import AGENTS
from preroll.commands.cli import app
from preroll.errors import PrerollError

runner = CliRunner()


def test_agent_list_names_every_agent_with_its_family() -> None:
    lines = runner.invoke(app, ["agent", "list"]).output.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [[name, entry.family] for name, entry in AGENTS.items()]


@pytest.mark.parametrize("name", ["random", "ucb1", "linucb", "ppo", "neural-linear"])
def test_agent_show_prints_every_setting_with_default_and_source(name: str) -> None:
    output = runner.invoke(app, ["agent", "show", name]).output
    assert output.startswith(f"{name}: ")
    for field, about in AGENTS[name].load().Settings.model_fields.items():
        assert any(line.startswith(field) and str(about.description) in line for line in output.splitlines()), field


def test_agent_show_leaves_the_doctests_of_the_docstring_out() -> None:
    assert ">>> " in str(AGENTS["ucb1"].load().__doc__)
    output = runner.invoke(app, ["agent", "show", "ucb1"]).output
    assert "Metrics: `bonus`" in output
    assert "Examples" not in output
    assert ">>>" not in output


def test_an_unknown_agent_is_refused_with_the_known_ones() -> None:
    result = runner.invoke(app, ["agent", "show", "thomson"])
    assert isinstance(result.exception, PrerollError)
    assert "did you mean thompson or window-thompson? Agents are random" in str(result.exception)
