"""A PPO in the shape of CleanRL's, on this environment and on Gymnasium's: equal arrays, and numbers that stay finite.

It bootstraps as such scripts do: under SAME_STEP the last observations of all lanes go through the value network in one
array, with those of lanes that did not end, and a mask chooses afterwards. One NaN there is a NaN everywhere.
"""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from torch import nn

from tests.clients.plain import ID

LANES, STEPS, ITERATIONS, GAMMA, LAMBDA, CLIP = 8, 48, 3, 0.99, 0.95, 0.2
MODES = [AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP]
Batch = dict[str, Any]


class Network(nn.Module):
    """Logits of the actions, and the value."""

    def __init__(self, size: int, actions: int) -> None:
        super().__init__()
        self.actor = nn.Sequential(nn.Linear(size, 16), nn.Tanh(), nn.Linear(16, actions))
        self.critic = nn.Sequential(nn.Linear(size, 16), nn.Tanh(), nn.Linear(16, 1))

    def value(self, observations: torch.Tensor) -> torch.Tensor:
        values: torch.Tensor = self.critic(observations).squeeze(-1)
        return values

    def choices(self, observations: torch.Tensor) -> Any:
        return torch.distributions.Categorical(logits=self.actor(observations))


def values_of_what_follows(network: Network, following: Any, over: Any, infos: Any) -> torch.Tensor:
    """Returns the value of what followed each slot, [n], after the whole batch of last observations was valued."""
    values = network.value(torch.from_numpy(following))
    if "final_obs" not in infos:
        return values
    last = np.stack([np.zeros_like(following[0]) if row is None else row for row in infos["final_obs"]])
    return torch.where(torch.from_numpy(over), network.value(torch.from_numpy(last)), values)


def collect(envs: Any, network: Network, observations: Any, begins: Any) -> tuple[Batch, Any, Any]:
    """Plays STEPS steps; ``begins`` is where a step of NEXT_STEP only starts a session: nothing is learned from it."""
    same_step, rows = envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP, []
    for _ in range(STEPS):
        seen = torch.from_numpy(observations.copy())
        with torch.no_grad():
            choices, value = network.choices(seen), network.value(seen)
            actions = choices.sample()
        observations, rewards, terminated, truncated, infos = envs.step(actions.numpy())
        over = terminated | truncated
        with torch.no_grad():
            following = values_of_what_follows(network, observations, over, infos)
        following = following * ~torch.from_numpy(terminated)
        rows.append({
            "observation": seen, "action": actions, "logprob": choices.log_prob(actions), "value": value,
            "reward": torch.from_numpy(rewards).float(), "over": torch.from_numpy(over.copy()), "following": following,
            "terminated": torch.from_numpy(terminated.copy()), "learned": ~torch.from_numpy(begins.copy()),
        })  # fmt: skip
        begins = np.zeros_like(over) if same_step else over.copy()
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}, observations, begins


def advantages_of(batch: Batch) -> torch.Tensor:
    """Returns generalised advantages, [T, n], by the values of what really followed."""
    advantages, last = torch.zeros_like(batch["reward"]), torch.zeros(LANES)
    for step in reversed(range(STEPS)):
        delta = batch["reward"][step] + GAMMA * batch["following"][step] - batch["value"][step]
        last = delta + GAMMA * LAMBDA * last * ~batch["over"][step]
        advantages[step] = last
    return advantages


def train(envs: Any, *, seed: int = 3) -> list[Batch]:
    """Trains for a few iterations; returns their batches, with the losses."""
    torch.manual_seed(seed)
    network = Network(envs.single_observation_space.shape[0], int(envs.single_action_space.n))
    optimizer, batches = torch.optim.Adam(network.parameters(), lr=3e-3), []
    observations, begins = envs.reset(seed=seed)[0], np.zeros(LANES, np.bool_)
    for _ in range(ITERATIONS):
        batch, observations, begins = collect(envs, network, observations, begins)
        advantages, losses = advantages_of(batch), []
        targets, learned = advantages + batch["value"], batch["learned"]
        for _ in range(2):
            choices = network.choices(batch["observation"][learned])
            ratio = (choices.log_prob(batch["action"][learned]) - batch["logprob"][learned]).exp()
            gain = (advantages[learned] - advantages[learned].mean()) / (advantages[learned].std() + 1e-8)
            actor = -torch.min(ratio * gain, ratio.clamp(1 - CLIP, 1 + CLIP) * gain).mean()
            critic = (network.value(batch["observation"][learned]) - targets[learned]).square().mean()
            loss = actor + 0.5 * critic - 0.01 * choices.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        batches.append(batch | {"advantage": advantages, "loss": torch.stack(losses)})
    return batches


def made(**settings: Any) -> Any:
    return gym.make_vec(ID, num_envs=LANES, scenario="fatigue", **settings)


@pytest.mark.parametrize("copy", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_it_learns_the_same_as_on_gymnasiums_vector_environment(mode: AutoresetMode, copy: bool) -> None:
    ours = train(made(autoreset_mode=mode, copy=copy))
    theirs = train(made(vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode}))
    for one, other in zip(ours, theirs, strict=True):
        for name, values in one.items():
            assert bool(values.double().isfinite().all()), name
            assert torch.equal(values, other[name]), name
    assert sum(int(batch["terminated"].sum()) for batch in ours) > LANES
    assert any(bool((batch["over"] & ~batch["terminated"]).any()) for batch in ours)
    assert all(bool(batch["learned"].all()) == (mode is AutoresetMode.SAME_STEP) for batch in ours)
