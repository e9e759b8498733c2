"""What the tests of agents share: compiled scenarios on the small catalog, and a loop to learn in."""

from collections.abc import Callable

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from preroll.agents import Agent, Transitions
from preroll.envs import SessionVectorEnv, Tables
from preroll.perception.catalog.catalog import Catalog

Practice = Callable[[Agent, Tables, int], None]


@pytest.fixture(scope="session")
def classic(small_catalog: Catalog) -> Tables:
    return Tables.compile("classic", small_catalog)


@pytest.fixture(scope="session")
def fatigue(small_catalog: Catalog) -> Tables:
    return Tables.compile("fatigue", small_catalog)


@pytest.fixture(scope="session")
def practice() -> Practice:
    """Lets an agent learn for so many steps of all its lanes, always from the same users."""

    def run(agent: Agent, tables: Tables, steps: int) -> None:
        envs = SessionVectorEnv(agent.num_envs, tables=tables, autoreset_mode=AutoresetMode.SAME_STEP)
        agent.start_training(agent.steps + steps * agent.num_envs)
        observations, _ = envs.reset(seed=1_000)
        for _ in range(steps):
            actions = agent.act(observations)
            following, rewards, terminated, truncated, _ = envs.step(actions)
            true_next = envs.played.successors(following)
            agent.update(
                Transitions(observations, actions, rewards, true_next, terminated, truncated, envs.played.viewed),
            )
            observations = following

    return run


@pytest.fixture(scope="session")
def some_observations(fatigue: Tables) -> np.ndarray:
    """256 observations (n, d) of `fatigue`, each lane having played up to 7 slots of random ads."""
    envs = SessionVectorEnv(256, tables=fatigue, autoreset_mode=AutoresetMode.SAME_STEP)
    observations, _ = envs.reset(seed=7)
    rng = np.random.default_rng(7)
    for _ in range(7):
        observations = envs.step(rng.integers(fatigue.n_actions, size=256))[0]
    return observations
