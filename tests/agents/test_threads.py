"""The number of torch's threads is a property of the machine: a training does not depend on it."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from preroll.agents import AGENTS, Agent, make_agent
from preroll.envs import Tables

SMALL = {"dqn": {"learning_starts": 64, "batch": 64}, "neural-linear": {"train_every": 64, "gradient_steps": 4}}


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", AGENTS)
def test_an_agent_starts_and_learns_the_same_bits_in_one_and_in_two_threads(
    name: str, fatigue: Tables, practice: Callable[[Agent, Tables, int], None], threads: Callable[[int], None]
) -> None:
    started, trained = [], []
    for n in (1, 2):
        threads(n)
        agent = make_agent(name, fatigue, seed=3, num_envs=16, **SMALL.get(name, {}))
        started.append(agent.state_arrays(training=True))
        steps = getattr(agent.settings, "steps", 20)
        practice(agent, fatigue, steps)
        trained.append(agent.state_arrays(training=True))
        assert torch.get_num_threads() == n
    for one, two in (started, trained):
        assert one.keys() == two.keys()
        for key in one:
            np.testing.assert_array_equal(one[key], two[key], err_msg=key)
