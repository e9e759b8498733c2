"""A number that is none is no result: agents stay finite, and one that did not is neither used nor saved."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.agents import Agent, load_agent, make_agent, pick_best, sample_actions
from preroll.agents.finite import check_arrays, nulled, numbers
from preroll.envs import Tables, uniform_over_best
from preroll.errors import NotFiniteError
from tests.agents.conftest import Practice

NAN = np.array([[1.0, 2.0], [math.nan, 1.0]])


@pytest.mark.parametrize("name", ["ppo", "lean-ppo", "recurrent-ppo"])
@pytest.mark.parametrize(
    "few", [{"num_envs": 1, "steps": 1}, {"num_envs": 2, "steps": 20}, {"num_envs": 3, "steps": 1}]
)
def test_one_advantage_has_no_deviation_and_no_part_of_a_batch_is_empty(
    name: str, few: dict[str, int], classic: Tables, practice: Practice
) -> None:
    """Bugs once: the network became NaN after the first training, and a batch below ``steps`` divided by no rows."""
    agent = make_agent(name, classic, seed=1, batch=2, epochs=1, hidden=(4,), **few)
    before = agent.state_arrays()
    practice(agent, classic, 40 // few["num_envs"])
    after = agent.state_arrays()
    check_arrays(after)
    assert agent.unlearned() == ""
    assert any(not np.array_equal(array, after[key]) for key, array in before.items())


def test_nan_is_chosen_by_nothing() -> None:
    """The choice was what had been in memory, or the first ad."""
    rng = np.random.default_rng(0)
    for choose in (pick_best, sample_actions):
        with pytest.raises(NotFiniteError):
            choose(NAN, rng)
        with pytest.raises(NotFiniteError):
            choose(NAN[:, ::-1], rng)
    with pytest.raises(NotFiniteError):
        uniform_over_best(NAN)


def poison(agent: Any) -> None:
    """Makes one weight of a trained agent NaN."""
    for name, array in agent.state_arrays().items():
        if array.dtype.kind == "f":
            array = array.copy()
            array.flat[0] = math.nan
            agent.load_state({**agent.state_arrays(), name: array}, {})
            return


@pytest.mark.parametrize(
    "name", ["thompson", "epsilon-greedy", "exp3", "linucb", "logistic-thompson", "lean-ppo", "dqn"]
)
@pytest.mark.parametrize("training", [False, True])
def test_an_agent_of_nan_is_not_saved_and_the_one_before_stays(
    name: str, training: bool, classic: Tables, tmp_path: Path
) -> None:
    agent = make_agent(name, classic, seed=1)
    agent.save(tmp_path / "agent", training=training)
    before = (tmp_path / "agent" / "agent.json").read_bytes()
    poison(agent)
    with pytest.raises(NotFiniteError, match=rf"^agent {name}: \S+: holds NaN or infinity; nothing was written$"):
        agent.save(tmp_path / "agent", training=training)
    assert [path.name for path in tmp_path.iterdir()] == ["agent"]
    assert (tmp_path / "agent" / "agent.json").read_bytes() == before


@pytest.mark.parametrize("name", ["linucb", "lints", "lean-ppo", "dqn", "recurrent-ppo"])
@pytest.mark.parametrize("explore", [False, True])
def test_an_agent_of_nan_shows_nothing(name: str, explore: bool, classic: Tables) -> None:
    agent: Any = make_agent(name, classic, seed=1)
    for array in agent.state_arrays().values():
        array[...] = math.nan
    agent.load_state({key: np.full_like(array, math.nan) for key, array in agent.state_arrays().items()}, {})
    with pytest.raises(NotFiniteError):
        agent.act(classic.arrays.rows[:3], explore=explore)


@pytest.mark.parametrize("name", ["dqn", "qr-dqn", "ppo", "lean-ppo", "recurrent-ppo", "neural-linear"])
@pytest.mark.parametrize("settings", [{}, {"n_step": 1}])
def test_an_agent_before_its_first_training_is_saved_with_its_training_state(
    name: str, settings: dict[str, int], classic: Tables, tmp_path: Path
) -> None:
    """A bug once: a DQN of one step had no buffer to save."""
    if "n_step" in settings and not name.endswith("dqn"):
        return
    agent = make_agent(name, classic, seed=1, **settings)
    agent.save(tmp_path / "agent", training=True)
    loaded = load_agent(tmp_path / "agent")
    assert loaded.metrics() == agent.metrics()
    assert loaded.unlearned() == agent.unlearned() != ""


class Undefined(Agent):
    """An agent with a metric that is not defined yet."""

    name = "undefined"

    act: Any = None
    action_probabilities: Any = None

    def state_scalars(self, *, training: bool = False) -> dict[str, Any]:
        return {"losses": {"loss": math.nan}, "rows": [1.5, math.inf]}


def test_a_metric_that_is_not_defined_is_null_in_json(
    classic: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Undefined, "__abstractmethods__", frozenset())
    Undefined(classic.spec, Undefined.Settings()).save(tmp_path / "agent")
    saved = json.loads((tmp_path / "agent" / "agent.json").read_text())
    assert saved["scalars"] == {"losses": {"loss": None}, "rows": [1.5, None]}
    np.testing.assert_equal(numbers(nulled({"a": math.nan, "b": 2.0})), {"a": math.nan, "b": 2.0})
