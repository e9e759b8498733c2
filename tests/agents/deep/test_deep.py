import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from preroll.agents import Agent, make_agent
from preroll.agents.deep.rng_isolation import OwnGlobals
from preroll.envs import Optimum, Tables

Practice = Callable[[Agent, Tables, int], None]
REPLAY: dict[str, Any] = {
    "num_envs": 32,
    "learning_starts": 320,
    "batch": 64,
    "updates_per_step": 4.0,
    "target_every": 10,
    "buffer": 20_000,
    "learning_rate": 3e-3,
}
SMALL: dict[str, dict[str, Any]] = {
    "ppo": {"num_envs": 32, "steps": 20, "batch": 160, "learning_rate": 5e-3},
    "lean-ppo": {"num_envs": 32, "steps": 20, "batch": 160, "learning_rate": 1e-2},
    "dqn": REPLAY,
    "qr-dqn": {**REPLAY, "quantiles": 5},
}


@pytest.mark.parametrize("name", SMALL)
def test_a_short_training_earns_clearly_more_than_random(name: str, classic: Tables, practice: Practice) -> None:
    optimum = Optimum(classic)
    agent = make_agent(name, classic, seed=0, **SMALL[name])
    practice(agent, classic, 160)
    assert optimum.value_of(agent.policy(classic)) > 0.85 * optimum.value  # random: 0.57


@pytest.mark.parametrize("name", SMALL)
def test_the_global_generators_neither_change_a_training_nor_are_changed_by_it(
    name: str, classic: Tables, practice: Practice
) -> None:
    weights = []
    for poison in (1, 2):
        torch.manual_seed(poison)
        np.random.seed(poison)  # noqa: NPY002
        random.seed(poison)
        expected = torch.rand(1), np.random.default_rng(poison).random(), random.Random(poison).random()
        torch.manual_seed(poison)
        agent = make_agent(name, classic, seed=5, **SMALL[name])
        practice(agent, classic, 60)
        weights.append(agent.state_arrays())
        assert (torch.rand(1), random.random()) == (expected[0], expected[2])
        assert np.random.random() == np.random.RandomState(poison).random_sample()  # noqa: NPY002
    assert all(np.array_equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_own_generators_continue_from_block_to_block() -> None:
    def numbers() -> tuple[float, float, float]:
        return random.random(), float(np.random.random()), float(torch.rand(1))  # noqa: NPY002

    whole, parts = OwnGlobals(9), OwnGlobals(9)
    with whole:
        straight = [numbers(), numbers()]
    with parts:
        first = numbers()
    numbers()
    saved = parts.state_arrays()
    again = OwnGlobals(0)
    again.load_state(saved)
    with again:
        second = numbers()
    assert [first, second] == straight


@pytest.mark.parametrize("name", SMALL)
def test_told_probabilities_are_those_of_the_draws(
    name: str, fatigue: Tables, some_observations: NDArray[np.float32], practice: Practice
) -> None:
    agent = make_agent(name, fatigue, seed=0, **SMALL[name])
    practice(agent, fatigue, 40)
    ads, propensities = agent.act_with_propensities(some_observations)
    table = agent.action_probabilities(some_observations, explore=True)
    assert np.array_equal(propensities, table[np.arange(len(ads)), ads])
    np.testing.assert_allclose(table.sum(axis=1), 1.0, atol=1e-9)
    assert set(agent.action_probabilities(some_observations).max(axis=1)) == {1.0}


@pytest.mark.parametrize("bootstrap", [False, True])
def test_the_horizon_ends_returns_or_is_bootstrapped_as_the_setting_says(
    bootstrap: bool, classic: Tables, practice: Practice
) -> None:
    agent: Any = make_agent("dqn", classic, **SMALL["dqn"], bootstrap_at_horizon=bootstrap)
    practice(agent, classic, 45)
    buffer = agent.model.replay_buffer
    assert buffer.dones.sum() == 2 * 32  # two horizons of 20 slots were reached in every lane
    assert buffer.timeouts.sum() == (2 * 32 if bootstrap else 0)
    ppo: Any = make_agent("ppo", classic, **{**SMALL["ppo"], "steps": 21, "batch": 672}, bootstrap_at_horizon=bootstrap)
    with torch.no_grad():
        ppo.model.policy.value_net.bias.fill_(100.0)
    practice(ppo, classic, 20)
    largest = ppo.model.rollout_buffer.rewards[19].max()
    assert largest > 90.0 if bootstrap else largest <= 1.0


def test_rewards_are_scaled_by_the_largest_one(classic: Tables, practice: Practice) -> None:
    agent: Any = make_agent("dqn", classic, **SMALL["dqn"])
    practice(agent, classic, 45)
    assert set(np.unique(agent.model.replay_buffer.rewards)) <= {np.float32(r) for r in (0, 1 / 3, 2 / 3, 1)}
    assert agent.model.replay_buffer.rewards.max() == 1.0


def test_the_number_of_lanes_does_not_change_how_often_dqn_replays(classic: Tables, practice: Practice) -> None:
    steps = []
    for lanes in (8, 64):
        settings: dict[str, Any] = {"num_envs": lanes, "learning_starts": 0, "batch": 128, "updates_per_step": 2.0}
        agent = make_agent("dqn", classic, **settings)
        practice(agent, classic, 3200 // lanes)
        steps.append(agent.metrics()["gradient_steps"])
    assert steps == [50.0, 50.0]


@pytest.mark.parametrize("name", SMALL)
def test_metrics_are_finite_numbers_that_the_docstring_names(name: str, classic: Tables, practice: Practice) -> None:
    agent = make_agent(name, classic, **SMALL[name])
    practice(agent, classic, 40)
    metrics = agent.metrics()
    assert all(np.isfinite(list(metrics.values())))
    assert type(agent).__doc__ is not None
    assert all(f"``{key}``" in str(type(agent).__doc__) for key in metrics)
    assert any(name.endswith("loss") for name in metrics)
