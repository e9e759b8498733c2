"""Tianshou: what its collector counts is what a plain loop plays, and its PPO trains on it."""

from typing import Any

import gymnasium as gym
import numpy as np

from tests.clients.conftest import needs
from tests.clients.plain import ID, Session, play

pytestmark = needs("tianshou")
SEEDS = [5, 6, 7]


def ppo_and_collector() -> tuple[Any, Any]:
    import torch
    from tianshou.algorithm import PPO
    from tianshou.algorithm.modelfree.reinforce import ProbabilisticActorPolicy
    from tianshou.algorithm.optim import AdamOptimizerFactory
    from tianshou.data import Collector, VectorReplayBuffer
    from tianshou.env import DummyVectorEnv
    from tianshou.utils.net.common import Net
    from tianshou.utils.net.discrete import DiscreteActor, DiscreteCritic

    envs = DummyVectorEnv([lambda: gym.make(ID, scenario="fatigue")] * len(SEEDS))
    envs.seed(SEEDS)  # starts session 0 of each stream, and the collector's reset session 1
    actions, observations = envs.action_space[0], envs.observation_space[0]
    torch.manual_seed(1)
    actor, critic = (Net(state_shape=observations.shape, hidden_sizes=[16]) for _ in range(2))
    policy = ProbabilisticActorPolicy(
        actor=DiscreteActor(preprocess_net=actor, action_shape=int(actions.n), softmax_output=False),
        dist_fn=lambda logits: torch.distributions.Categorical(logits=logits),
        action_space=actions,
        observation_space=observations,
        action_scaling=False,
    )
    value = DiscreteCritic(preprocess_net=critic)
    algorithm: Any = PPO(policy=policy, critic=value, optim=AdamOptimizerFactory(lr=1e-3))
    return algorithm, Collector(algorithm, envs, VectorReplayBuffer(3000, len(SEEDS)))


def replayed(seed: int, stored: Any) -> list[Session]:
    """Plays the stored actions of one environment again, all sessions of which are whole."""
    actions, whole = iter(stored.act.tolist()), int(stored.done.sum())
    return play(seed, whole, lambda _: next(actions), skip=1)


def test_the_collector_counts_the_sessions_and_revenues_of_the_plain_loop() -> None:
    _, collector = ppo_and_collector()
    collector.reset()
    stats = collector.collect(n_episode=12)
    played = []
    for seed, buffer in zip(SEEDS, collector.buffer.buffers, strict=True):
        stored = buffer[: len(buffer)]
        sessions = replayed(seed, stored)
        count = sum(len(session.rewards) for session in sessions)
        for name, column in (
            ("obs", [row for session in sessions for row in session.observations[:-1]]),
            ("obs_next", [row for session in sessions for row in session.observations[1:]]),
            ("rew", [reward for session in sessions for reward in session.rewards]),
            ("terminated", [flag for session in sessions for flag in session.terminated]),
            ("truncated", [flag for session in sessions for flag in session.truncated]),
        ):
            np.testing.assert_array_equal(stored[name][:count], column, err_msg=name)
        for key in sessions[0].infos[0]:
            told = [info[key] for session in sessions for info in session.infos[1:]]
            np.testing.assert_array_equal(stored.info[key][:count], told, err_msg=key)
        played += sessions
    assert stats.n_collected_episodes == len(played) == 12
    assert sorted(stats.returns) == sorted(session.revenue for session in played)
    assert sorted(stats.lens) == sorted(len(session.rewards) for session in played)


def test_its_ppo_trains_an_iteration() -> None:
    from tianshou.trainer import OnPolicyTrainerParams

    algorithm, collector = ppo_and_collector()
    before = [parameter.detach().clone() for parameter in algorithm.policy.parameters()]
    collector.reset()
    told = algorithm.run_training(
        OnPolicyTrainerParams(
            training_collector=collector, max_epochs=1, epoch_num_steps=256, collection_step_num_env_steps=256,
            batch_size=64, update_step_num_repetitions=1, verbose=False, show_progress=False,
        )
    )  # fmt: skip
    after = [parameter.detach() for parameter in algorithm.policy.parameters()]
    assert any((one != other).any() for one, other in zip(before, after, strict=True))
    assert all(bool(parameter.isfinite().all()) for parameter in after)
    assert told.train_step >= 256
