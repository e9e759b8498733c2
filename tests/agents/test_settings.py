"""Every setting that is given does something, or the one that overrules it is named."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from preroll.agents import AGENTS, AgentSettings, load_agent, make_agent
from preroll.agents.registry import effective_settings, find, resolve_settings
from preroll.agents.settings import overruled
from preroll.envs import Scenario, Tables
from preroll.errors import PrerollError
from preroll.simulations.training.training import prepare
from tests.agents.conftest import Practice
from tests.conftest import make_catalog

PPO: dict[str, Any] = {
    "num_envs": 8,
    "steps": 5,
    "batch": 16,
    "hidden": (4,),
    "epochs": 2,
    "max_gradient": 0.01,
    "clip": 0.01,
    "learning_rate": 0.1,
}
DQN: dict[str, Any] = {
    "num_envs": 8,
    "learning_starts": 16,
    "batch": 16,
    "buffer": 64,
    "target_every": 3,
    "hidden": (4,),
}
#: Settings under which every other one shows within 15 steps.
SMALL: dict[str, dict[str, Any]] = {
    "ppo": PPO,
    "lean-ppo": PPO,
    "recurrent-ppo": {**PPO, "recurrent_units": 3},
    "dqn": {**DQN, "max_gradient": 0.01},
    "qr-dqn": {**DQN, "max_gradient": 0.01},
    "neural-linear": {"train_every": 24, "gradient_steps": 3, "batch": 8, "buffer": 48},
    "kl-ucb": {"c": 1.0},
}
#: What makes a setting count that does not by default.
IN_FORCE: dict[str, dict[str, Any]] = {
    "epsilon": {"schedule": "constant"},
    "discount": {"forgetting": "discount"},
    "window": {"forgetting": "window", "window": 9},
}
#: Number of sessions and of lanes are of the training, not of the agent; the device changes nothing but rounding.
EVERY = [
    (name, setting)
    for name, entry in AGENTS.items()
    for setting in entry.load().Settings.model_fields
    if setting not in (*AgentSettings.model_fields, "device")
]


@pytest.fixture(scope="module")
def tables() -> Tables:
    return Tables.compile(Scenario.load("fatigue").replace({"session.horizon": 4}), make_catalog(12))


def other(kind: type[AgentSettings], setting: str, value: Any) -> Any:
    """Another value of a setting that is allowed."""
    about = kind.model_json_schema()["properties"][setting]
    if "enum" in about:
        return next(word for word in about["enum"] if word != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple | list):
        return (*value[:-1], value[-1] + 1)
    if about["type"] == "integer":
        return value // 2 if value > 1 else 2
    return value / 2 if value else 0.5


@pytest.fixture(scope="module")
def learned(tables: Tables, practice: Practice) -> Callable[..., dict[str, NDArray[Any]]]:
    """Returns all that an agent has learned, shows and reports after 15 steps; the same settings are played once."""

    @cache
    def play(name: str, settings: tuple[tuple[str, Any], ...]) -> dict[str, NDArray[Any]]:
        agent = make_agent(name, tables, seed=1, **{"num_envs": 8, **dict(settings)})
        practice(agent, tables, 15)
        ads = np.concatenate([agent.act(tables.arrays.rows) for _ in range(4)])
        return {**agent.state_arrays(training=True), "ads": ads, "metrics": np.array([*agent.metrics().values()])}

    return lambda name, settings: play(name, tuple(settings.items()))


@pytest.mark.parametrize(("name", "setting"), EVERY, ids=lambda value: value)
def test_a_setting_does_something_or_the_one_that_overrules_it_is_named(
    name: str, setting: str, tables: Tables, learned: Callable[..., dict[str, NDArray[Any]]]
) -> None:
    kind = AGENTS[name].load().Settings
    small = SMALL.get(name, {})
    idle = overruled(kind(**small))
    if setting in idle:
        with pytest.raises(PrerollError, match=f"^agent {name}: {setting}: .* has no effect under {idle[setting]}: "):
            make_agent(name, tables, **{setting: getattr(kind(), setting)})
        small = {**small, **IN_FORCE[setting]}
    changed = {**small, setting: other(kind, setting, getattr(kind(**small), setting))}
    changed = effective_settings(name, tables.spec.name, changed)
    before, after = learned(name, small), learned(name, changed)
    same = before.keys() == after.keys() and all(np.array_equal(before[key], after[key]) for key in before)
    assert not same, f"{setting}: {changed[setting]} does as {getattr(kind(**small), setting)}"


@pytest.mark.parametrize(
    ("name", "given", "line"),
    [
        ("epsilon-greedy", {"epsilon": 0.5}, "epsilon: 0.5 has no effect under schedule: 'decaying'; leave it out"),
        ("epsilon-greedy", {"schedule": "constant", "pulls": 3}, "pulls: 3.0 has no effect under schedule: 'constant'"),
        ("thompson", {"discount": 0.9}, "discount: 0.9 has no effect under forgetting: 'none'"),
        ("window-ucb", {"window": 9, "discount": 0.9}, "discount: 0.9 has no effect under forgetting: 'window'"),
        ("window-ucb", {"window": 9, "forgetting": "discount"}, "window: 9 has no effect under forgetting: 'discount'"),
        ("linucb", {"alpha": 0, "growth": "constant"}, "growth: 'constant' has no effect under alpha: 0.0"),
        ("lean-ppo", {"hidden": [], "activation": "tanh"}, r"activation: 'tanh' has no effect under hidden: \(\)"),
        ("lean-ppo", {"steps": 1, "gae_lambda": 0.5}, "gae_lambda: 0.5 has no effect under steps: 1"),
        ("lean-ppo", {"epochs": 1, "batch": 20480, "clip": 0.1}, "clip: 0.1 has no effect under epochs: 1"),
        (
            "dqn",
            {"epsilon": 0.1, "final_epsilon": 0.1, "exploration_share": 0.2},
            "exploration_share: 0.2 has no effect under final_epsilon: 0.1",
        ),
    ],
)
def test_what_is_overruled_is_refused_in_one_line_and_does_nothing(
    name: str, given: dict[str, Any], line: str, tables: Tables, learned: Callable[..., dict[str, NDArray[Any]]]
) -> None:
    with pytest.raises(PrerollError, match=f"^agent {name}: {line}.*$"):
        make_agent(name, tables, **given)
    assert len(effective_settings(name, tables.spec.name, given)) == len(given) - 1


@pytest.mark.parametrize(
    ("name", "given", "idle"),
    [
        ("linucb", {"alpha": 0.0}, {"growth": "constant"}),
        ("ppo", {"hidden": ()}, {"activation": "tanh"}),
        ("lean-ppo", {"hidden": (), "steps": 1}, {"activation": "tanh", "gae_lambda": 0.5}),
        ("ppo", {"steps": 1, "batch": 8}, {"gae_lambda": 0.5}),
        ("lean-ppo", {"epochs": 1, "steps": 5, "batch": 40}, {"clip": 0.01}),
        ("recurrent-ppo", {"epochs": 1, "steps": 5, "batch": 40}, {"clip": 0.01}),
        ("dqn", {"epsilon": 0.1, "final_epsilon": 0.1, "learning_starts": 16}, {"exploration_share": 0.9}),
    ],
)
def test_what_is_said_to_have_no_effect_has_none(
    name: str, given: dict[str, Any], idle: dict[str, Any], tables: Tables, practice: Practice
) -> None:
    kind = AGENTS[name].load()
    ends = []
    for settings in ({**given}, {**given, **idle}):
        agent = kind(tables.spec, kind.Settings(num_envs=8, **settings), seed=1)
        practice(agent, tables, 10)
        ends.append(agent.state_arrays())
    for key, array in ends[0].items():
        np.testing.assert_allclose(array, ends[1][key], rtol=1e-6, atol=1e-7, err_msg=key)


def test_what_a_preset_or_a_default_overrules_is_no_mistake_and_an_old_agent_is_loaded(
    tables: Tables, tmp_path: Path
) -> None:
    agent = make_agent("epsilon-greedy", tables)
    agent.settings = agent.settings.model_copy(update={"epsilon": 0.5})  # was accepted once
    agent.save(tmp_path / "old")
    assert load_agent(tmp_path / "old").settings == agent.settings


def test_two_numbers_of_sessions_are_one_too_many(tables: Tables) -> None:
    ask = partial(prepare, "thompson", scenario=tables.scenario, catalog=tables.catalog)
    assert ask(settings={"sessions": 50}).sessions == ask(settings={"sessions": 50}, sessions=50).sessions == 50
    with pytest.raises(PrerollError, match=r"^agent thompson: sessions: 50 has no effect where 60 sessions are asked"):
        ask(settings={"sessions": 50}, sessions=60)


@pytest.mark.parametrize("name", ["ppo", "lean-ppo", "recurrent-ppo", "dqn", "qr-dqn"])
@pytest.mark.parametrize("scenario", ["classic", "fatigue", "drift", "hidden-users"])
def test_one_end_of_a_schedule_alone_takes_the_other_with_it_where_it_would_run_backwards(
    name: str, scenario: str
) -> None:
    for start, end in find(name).load().Settings.falling.items():
        own = resolve_settings(name, scenario, {})
        least, most = 0.001 * getattr(own, end), min(30 * getattr(own, start), 1.0)
        for given, value, other in ((start, least, end), (end, most, start)):
            found = resolve_settings(name, scenario, {given: value})
            assert (getattr(found, given), getattr(found, other)) == (value, value)
        for given, value, other in ((start, most, end), (end, least, start)):  # it falls: the other end stays
            assert getattr(resolve_settings(name, scenario, {given: value}), other) == getattr(own, other)
        both = resolve_settings(name, scenario, {start: least, end: most})  # who gives both means it
        assert (getattr(both, start), getattr(both, end)) == (least, most)


def test_a_saved_agent_keeps_the_schedule_that_it_was_trained_with(classic: Tables, tmp_path: Path) -> None:
    both: dict[str, Any] = {"learning_rate": 1e-4, "final_learning_rate": 1e-2}
    make_agent("lean-ppo", classic, **both).save(tmp_path / "agent")
    assert load_agent(tmp_path / "agent").settings.model_dump().items() >= both.items()
