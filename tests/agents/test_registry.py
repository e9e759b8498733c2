import subprocess
import sys
from typing import Any

import pytest

from preroll.agents import AGENTS, make_agent
from preroll.agents.registry import find
from preroll.envs import SessionEnv, SessionVectorEnv, Tables
from preroll.errors import PrerollError


def test_every_agent_can_be_made_and_carries_its_name(classic: Tables) -> None:
    for name in AGENTS:
        agent = make_agent(name, classic)
        assert agent.name == name
        assert agent.num_envs >= 1
        assert agent.__doc__


def test_an_unknown_agent_is_answered_with_the_known_ones(classic: Tables) -> None:
    with pytest.raises(PrerollError, match=r"'thomson'.*random, .*thompson.*ppo"):
        make_agent("thomson", classic)


def test_an_unknown_setting_is_answered_with_the_known_ones(classic: Tables) -> None:
    with pytest.raises(PrerollError, match=r"unknown setting 'aplha'; did you mean alpha\? Settings are .*alpha"):
        make_agent("linucb", classic, aplha=1)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("linucb", {"alpha": -1}),
        ("thompson", {"prior_views": 0}),
        ("epsilon-greedy", {"epsilon": 1.5}),
        ("ppo", {"bootstrap_at_horizon": "never"}),
        ("dqn", {"num_envs": "many"}),
        ("random", {"num_envs": True}),
        ("random", {"sessions": "1_000"}),
        ("lean-ppo", {"hidden": (64, True)}),
        ("ppo", {"bootstrap_at_horizon": "yes"}),
        ("ppo", {"hidden": (0,)}),
        ("lean-ppo", {"hidden": (64, -3)}),
    ],
)
def test_a_setting_out_of_range_is_named_in_one_line(classic: Tables, name: str, settings: dict[str, Any]) -> None:
    with pytest.raises(PrerollError, match=f"agent {name}: {next(iter(settings))}") as error:
        make_agent(name, classic, **settings)
    assert "\n" not in str(error.value)


def test_environments_tables_and_a_spec_all_serve(classic: Tables) -> None:
    envs = SessionVectorEnv(2, tables=classic)
    env = SessionEnv(classic.scenario, classic.catalog)
    for world in (classic, classic.spec, env, envs):
        assert make_agent("thompson", world).spec.n_actions == classic.n_actions


def test_an_oracle_needs_tables_and_nonsense_is_no_world(classic: Tables) -> None:
    with pytest.raises(PrerollError, match="optimum: knows the true table, so it needs tables"):
        make_agent("optimum", classic.spec)
    with pytest.raises(PrerollError, match="not int"):
        make_agent("random", 3)


def test_a_bandit_loads_neither_torch_nor_an_interpreter_of_networks() -> None:
    code = (
        "import sys; from preroll.agents import make_agent, AGENTS, load_agent;"
        "import preroll.agents.contextual.linucb;"
        "from preroll.agents.registry import find; find('thompson').load(); find('optimum').load();"
        "print([m for m in ('torch', 'stable_baselines3', 'onnx', 'onnxruntime', 'av', 'pandas') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_every_default_tells_where_it_comes_from() -> None:
    for name, entry in AGENTS.items():
        for field, about in entry.load().Settings.model_fields.items():
            assert about.description, f"{name}: {field}"


def test_an_agent_whose_package_is_missing_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sb3_contrib", None)
    monkeypatch.delitem(sys.modules, "preroll.agents.deep.qr_dqn", raising=False)
    with pytest.raises(PrerollError, match=r"agent qr-dqn: needs sb3-contrib: pip install 'preroll\[contrib\]'"):
        find("qr-dqn").load()
