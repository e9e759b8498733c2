"""What values are learned from, against sums written out by hand: both meanings of the horizon, gamma below 1."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from preroll.agents import Agent, Transitions, make_agent
from preroll.envs import Tables

Record = Callable[[Agent, Tables, int], list[Transitions]]
GAMMA, WEIGHT = 0.8, 0.7


@pytest.mark.parametrize("bootstrap", [False, True])
@pytest.mark.parametrize("n_step", [1, 3, 10])
def test_n_step_returns_are_the_sums_until_the_session_ends(
    n_step: int, bootstrap: bool, short: Tables, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanes, kept, steps = 6, 12, 17  # the oldest five rows are overwritten
    agent: Any = make_agent(
        "dqn", short, num_envs=lanes, buffer=kept * lanes, n_step=n_step, gamma=GAMMA, learning_starts=10_000,
        bootstrap_at_horizon=bootstrap,
    )  # fmt: skip
    given = record(agent, short, steps)
    monkeypatch.setattr(np.random, "randint", lambda *_, size: np.arange(lanes))  # the lanes of a sample
    for first in range(steps - kept, steps):
        sample = agent.model.replay_buffer._get_samples(np.full(lanes, first % kept))
        for lane in range(lanes):
            total, count = 0.0, 0
            for one in given[first : first + n_step]:
                total += GAMMA**count * one.rewards[lane] / short.spec.largest_reward
                count += 1
                if one.ended[lane]:
                    break
            final = one.terminated[lane] or (one.truncated[lane] and not bootstrap)
            np.testing.assert_array_equal(sample.observations[lane], given[first].observations[lane])
            assert sample.actions[lane, 0] == given[first].actions[lane]
            assert float(sample.rewards[lane, 0]) == pytest.approx(total, rel=1e-6)
            assert bool(sample.dones[lane, 0]) == final
            if not final:
                np.testing.assert_array_equal(sample.next_observations[lane], one.next_observations[lane])
                assert float(sample.discounts[lane, 0]) == pytest.approx(GAMMA**count, rel=1e-6)


@pytest.mark.parametrize("bootstrap", [False, True])
def test_advantages_of_ppo_are_the_discounted_errors_of_each_session_of_a_lane(
    bootstrap: bool, short: Tables, record: Record
) -> None:
    """Over four collections, in and between which sessions go on, end, and start again on the same lane."""
    agent: Any = make_agent(
        "ppo", short, num_envs=6, steps=5, batch=10, epochs=1, gamma=GAMMA, gae_lambda=WEIGHT,
        bootstrap_at_horizon=bootstrap,
    )  # fmt: skip
    learn, collect = agent._learn, agent._collect
    found: list[NDArray[np.float32]] = []
    after: list[NDArray[np.float32]] = []

    def look_ahead(transitions: Transitions) -> None:
        after.append(agent._values(transitions.next_observations))  # by the weights that acted, before they change
        learn(transitions)

    def note(last: Transitions) -> Any:
        rows = collect(last)
        buffer = agent.model.rollout_buffer
        found.append(np.stack([buffer.values, buffer.advantages, buffer.returns]))
        return rows

    agent._learn, agent._collect = look_ahead, note
    given = record(agent, short, 20)
    assert len(found) == 4
    for part, (values, advantages, returns) in enumerate(found):
        rows, following = given[5 * part : 5 * part + 5], after[5 * part : 5 * part + 5]
        for lane in range(6):
            advantage = 0.0
            for t in reversed(range(5)):
                final = rows[t].terminated[lane] or (rows[t].truncated[lane] and not bootstrap)
                error = rows[t].rewards[lane] / short.spec.largest_reward - values[t, lane]
                error += 0.0 if final else GAMMA * following[t][lane]
                advantage = error + (0.0 if rows[t].ended[lane] else GAMMA * WEIGHT * advantage)
                assert advantages[t, lane] == pytest.approx(advantage, abs=1e-5)
                assert returns[t, lane] == pytest.approx(advantage + values[t, lane], abs=1e-5)
