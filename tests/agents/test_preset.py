from pathlib import Path

import pytest
from typer.testing import CliRunner

from preroll.agents import make_agent
from preroll.agents.preset import PRESETS, SB3_DEFAULTS, preset, presets_of, sb3_defaults
from preroll.agents.registry import AGENTS
from preroll.agents.settings import parse
from preroll.bounded.yaml_text import load_yaml
from preroll.commands.cli import app
from preroll.envs import Tables
from preroll.envs.scenario.scenario import preset_names
from preroll.errors import PrerollError
from preroll.simulations.training.run import Run


@pytest.mark.parametrize("path", sorted(PRESETS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_preset_is_of_a_scenario_and_holds_settings_that_agents_take(path: object) -> None:
    name = str(getattr(path, "stem", ""))
    assert name in {*preset_names(), SB3_DEFAULTS}
    for agent in load_yaml(PRESETS / f"{name}.yaml"):
        settings = preset(name, agent)
        parsed = parse(AGENTS[agent].load().Settings, agent, settings).model_dump()
        assert settings == {key: list(v) if isinstance(v := parsed[key], tuple) else v for key in settings}


def test_an_agent_takes_the_preset_of_its_scenario_unless_told_otherwise(fatigue: Tables, classic: Tables) -> None:
    told = preset("fatigue", "lean-ppo")
    assert told
    agent, changed = make_agent("lean-ppo", fatigue), make_agent("lean-ppo", fatigue, num_envs=7)
    assert {key: getattr(agent.settings, key) for key in told} == {
        key: tuple(value) if isinstance(value, list) else value for key, value in told.items()
    }
    assert changed.settings == agent.settings.model_copy(update={"num_envs": 7})
    assert preset("no such scenario", "lean-ppo") == preset("../presets/fatigue", "lean-ppo") == {}


def test_the_defaults_of_stable_baselines3_are_its_own() -> None:
    from inspect import signature

    from stable_baselines3 import DQN, PPO

    same = {"n_steps": "steps", "batch_size": "batch", "n_epochs": "epochs", "gae_lambda": "gae_lambda"}
    same |= {"ent_coef": "entropy", "vf_coef": "value_weight", "clip_range": "clip"}
    both = {"learning_rate": "learning_rate", "gamma": "gamma", "max_grad_norm": "max_gradient"}
    replay = {"batch_size": "batch", "buffer_size": "buffer", "learning_starts": "learning_starts"}
    replay |= {"exploration_fraction": "exploration_share", "exploration_final_eps": "final_epsilon"}
    for algorithm, agent, names in ((PPO, "ppo", same | both), (DQN, "dqn", replay | both)):
        theirs, ours = signature(algorithm).parameters, sb3_defaults(agent)
        assert {name: theirs[name].default for name in names} == {name: ours[key] for name, key in names.items()}
        assert ours["final_learning_rate"] == ours["learning_rate"]
    with pytest.raises(PrerollError, match="sb3_defaults=True: agent 'ucb1' is none of stable-baselines3; allowed are"):
        sb3_defaults("ucb1")
    assert SB3_DEFAULTS in presets_of("ppo")


def test_train_takes_the_defaults_of_stable_baselines3_where_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["train", "ppo", "--sb3-defaults", "--sessions", "8", "--set", "epochs=3", "--run", "run"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    settings = Run.load(tmp_path / "run").settings.settings
    expected = {**sb3_defaults("ppo"), "epochs": 3}
    assert {key: settings[key] for key in expected} == expected


def test_what_the_user_overrules_of_those_defaults_is_left_out_and_what_the_user_gave_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["train", "ppo", "--sb3-defaults", "--sessions", "8", "--set", "hidden=[]", "--set", "epochs=1"]
    assert CliRunner().invoke(app, [*arguments, "--run", "run"]).exit_code == 0
    told = CliRunner().invoke(app, [*arguments, "--run", "other", "--set", "activation=tanh"])
    assert str(told.exception).startswith("agent ppo: activation: 'tanh' has no effect under hidden: ()")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_smaller_rate_over_those_defaults_is_not_a_schedule_that_rises(
    small_catalog_folder: Path, tmp_path: Path
) -> None:
    """Both ends of the rate are among the defaults: neither was given."""
    arguments = ["train", "ppo", "--sb3-defaults", "--catalog", str(small_catalog_folder), "--sessions", "1"]
    done = CliRunner().invoke(app, [*arguments, "--set", "learning_rate=1e-5", "--run", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
    settings = Run.load(tmp_path / "run").settings.settings
    assert (settings["learning_rate"], settings["final_learning_rate"]) == (1e-5, 1e-5)
