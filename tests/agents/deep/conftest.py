"""What the comparisons of deep agents share: short sessions that users leave, recorded slot by slot."""

from collections.abc import Callable

import pytest
from gymnasium.vector import AutoresetMode

from preroll.agents import Agent, Transitions
from preroll.envs import Scenario, SessionVectorEnv, Tables
from preroll.perception.catalog.catalog import Catalog

Record = Callable[[Agent, Tables, int], list[Transitions]]


@pytest.fixture(scope="session")
def short(small_catalog: Catalog) -> Tables:
    """Sessions of `fatigue` that users leave early or that end at the horizon of 5 slots."""
    return Tables.compile(Scenario.load("fatigue").replace({"session.horizon": 5}), small_catalog)


@pytest.fixture(scope="session")
def record() -> Record:
    """Lets an agent learn for so many steps of its lanes; returns what it was given, which has ends of both kinds."""

    def run(agent: Agent, tables: Tables, steps: int) -> list[Transitions]:
        envs = SessionVectorEnv(agent.num_envs, tables=tables, autoreset_mode=AutoresetMode.SAME_STEP)
        agent.start_training(steps * agent.num_envs)
        observations, _ = envs.reset(seed=3)
        given = []
        for _ in range(steps):
            actions = agent.act(observations)
            following, rewards, terminated, truncated, _ = envs.step(actions)
            true_next = envs.played.successors(following)
            given.append(
                Transitions(observations, actions, rewards, true_next, terminated, truncated, envs.played.viewed)
            )
            agent.update(given[-1])
            observations = following
        assert any(one.terminated.any() for one in given)
        assert any((one.truncated & ~one.terminated).any() for one in given)
        return given

    return run
