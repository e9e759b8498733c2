"""Money has a unit, cents or rupees, and nothing that an agent does depends on it."""

from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from preroll.agents import AGENTS, Agent, OnnxAgent, Transitions, make_agent
from preroll.agents.interop.onnx_export import model_bytes
from preroll.envs import Optimum, Scenario, SessionVectorEnv, Tables
from tests.conftest import make_catalog

LANES = 8
DEEP: dict[str, Any] = {"hidden": (8,), "learning_rate": 1e-2}
SMALL: dict[str, dict[str, Any]] = {
    "dqn": {**DEEP, "learning_starts": 32, "batch": 32},
    "qr-dqn": {**DEEP, "learning_starts": 32, "batch": 32},
    "ppo": {**DEEP, "steps": 10, "batch": 40},
    "lean-ppo": {**DEEP, "steps": 10, "batch": 40},
    "recurrent-ppo": {**DEEP, "steps": 10, "batch": 40},
    "neural-linear": {"train_every": 80, "gradient_steps": 4, "batch": 32},
}
WITH_TARGET = [name for name, entry in AGENTS.items() if "target" in entry.load().Settings.model_fields]
PLAYERS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in AGENTS),
    *((name, {"target": "reward"}) for name in WITH_TARGET),
]
NO_FUNCTIONS = ("greedy", "fixed", "optimum", "recurrent-ppo")  # of the observation: they are not exported
every_agent = pytest.mark.parametrize(
    ("name", "settings"),
    PLAYERS,
    ids=[f"{name}-{'reward' if settings else ''}".strip("-") for name, settings in PLAYERS],
)


@pytest.fixture(scope="module")
def worlds() -> dict[float, Tables]:
    """`fatigue`, shorter, where a viewed ad is also paid for being remembered; by the unit of all its money."""
    fatigue, catalog = Scenario.load("fatigue"), make_catalog(12)

    def world(unit: float) -> Tables:
        money = {"ads.*.*.reward": {"scale": unit}, "recall_weight": 0.75 * unit}
        changes = {**money, "observe.memorability": True, "session.horizon": 10}
        return Tables.compile(fatigue.replace(changes), catalog)

    return {unit: world(unit) for unit in (1.0, 2.0**-20, 2.0**-7, 2.0**10, 1e-6, 1e-2, 1e3)}


def train(agent: Agent, tables: Tables, steps: int) -> NDArray[np.int64]:
    """Lets an agent learn; returns its ads, (steps, lanes)."""
    envs = SessionVectorEnv(LANES, tables=tables, autoreset_mode=AutoresetMode.SAME_STEP)
    agent.start_training(steps * LANES)
    observations, _ = envs.reset(seed=1_000)
    shown = []
    for _ in range(steps):
        actions = agent.act(observations)
        following, rewards, terminated, truncated, _ = envs.step(actions)
        true_next = envs.played.successors(following)
        agent.update(
            Transitions(observations, actions, rewards, true_next, terminated, truncated, envs.played.viewed),
        )
        observations = following
        shown.append(actions)
    return np.stack(shown)


@every_agent
def test_in_a_unit_that_is_a_power_of_two_every_ad_is_the_same(
    name: str, settings: dict[str, Any], worlds: dict[float, Tables]
) -> None:
    rng = np.random.default_rng(0)
    tables = worlds[1.0]
    observations = tables.arrays.rows[rng.integers(tables.n_videos, size=64)]
    played: list[list[NDArray[Any]]] = []
    for unit in (1.0, 2.0**-20, 2.0**-7, 2.0**10):
        agent = make_agent(name, worlds[unit], seed=2, num_envs=LANES, **SMALL.get(name, {}), **settings)
        ads: list[NDArray[Any]] = [train(agent, worlds[unit], 25)]
        ads += [agent.act(observations, explore=explore) for explore in (True, False)]
        ads += [agent.action_probabilities(observations, explore=explore) for explore in (True, False)]
        if name not in NO_FUNCTIONS:
            served = OnnxAgent.from_bytes(model_bytes(agent), name)
            ads += [served.act(observations), served.action_probabilities(observations)]
        played.append(ads)
    for other in played[1:]:
        for ours, theirs in zip(played[0], other, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@every_agent
def test_in_any_unit_an_agent_earns_the_same_share_of_the_optimum(
    name: str, settings: dict[str, Any], worlds: dict[float, Tables]
) -> None:
    """Money in other units is rounded elsewhere, which may decide a tie: the mean of five seeds, within 1 point."""
    family = AGENTS[name].family
    seeds, units = (1 if family == "baseline" else 5), ((1e-6,) if family == "deep" else (1e-6, 1e-2, 1e3))

    def percent(unit: float) -> float:
        tables = worlds[unit]
        optimum, shares = Optimum(tables), []
        for seed in range(seeds):
            agent = make_agent(name, tables, seed=seed, num_envs=LANES, **SMALL.get(name, {}), **settings)
            train(agent, tables, 25)
            shares.append(100 * optimum.value_of(agent.policy(tables)) / optimum.value)
        return float(np.mean(shares))

    if name == "recurrent-ppo":
        pytest.skip("its policy is no table; it divides money as lean-ppo does")
    assert [percent(unit) for unit in units] == pytest.approx([percent(1.0)] * len(units), abs=1.0)
