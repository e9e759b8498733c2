from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from preroll.agents import Agent, load_agent, make_agent
from preroll.envs import Tables
from preroll.errors import PrerollError
from preroll.simulations.evaluation.evaluation import evaluate

Practice = Callable[[Agent, Tables, int], None]


@pytest.fixture
def agent(fatigue: Tables, practice: Practice) -> Any:
    trained = make_agent("recurrent-ppo", fatigue, seed=0, num_envs=64, steps=15, batch=320, recurrent_units=8)
    practice(trained, fatigue, 40)
    return trained


def test_the_memory_of_a_lane_begins_anew_where_its_session_ended(
    agent: Any, some_observations: NDArray[np.float32]
) -> None:
    everywhere = np.ones(len(some_observations), np.bool_)
    agent.end_sessions(everywhere)
    fresh = agent.action_probabilities(some_observations, explore=True)
    agent.act(some_observations)
    later = agent.action_probabilities(some_observations, explore=True)
    assert (np.abs(later - fresh).max(axis=1) > 0).all()
    half = np.arange(len(some_observations)) % 2 == 0
    agent.end_sessions(half)
    again = agent.action_probabilities(some_observations, explore=True)
    np.testing.assert_array_equal(again[half], fresh[half])
    np.testing.assert_array_equal(again[~half], later[~half])


def test_learning_sees_the_memory_that_acting_had(fatigue: Tables, practice: Practice) -> None:
    """Before weights change, the probabilities of the unrolled sessions are those of the choices, ends included."""
    agent: Any = make_agent("recurrent-ppo", fatigue, seed=0, num_envs=32, steps=30)
    told: list[NDArray[np.float64]] = []
    decide = agent.act_with_propensities

    def note(observations: NDArray[np.float32], *, explore: bool = True) -> Any:
        ads, propensities = decide(observations, explore=explore)
        told.append(propensities)
        return ads, propensities

    agent.act_with_propensities = note
    practice(agent, fatigue, 29)
    assert agent.ended[:28].any()
    with torch.no_grad():
        logits = agent._forward(agent._inputs())[0][:-1].T.reshape(30, 32, -1)
    shown = torch.softmax(logits[:29], dim=2).gather(2, torch.from_numpy(agent.actions[:29])[:, :, None])[:, :, 0]
    np.testing.assert_allclose(shown.numpy(), np.stack(told), atol=1e-5)


def test_it_is_evaluated_by_playing_and_again_alike(agent: Any, fatigue: Tables, tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match="agent recurrent-ppo: what it shows depends on the whole session"):
        agent.policy(fatigue)
    agent.save(tmp_path / "agent")
    players = {"now": agent, "loaded": load_agent(tmp_path / "agent")}
    result = evaluate(players, fatigue, sessions=400)
    assert result["now"].exact_revenue is None
    assert result["now"].revenue == result["loaded"].revenue
