"""A whole training of our PPO agents against the loss of their docstring, written out and derived by autograd."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch

from preroll.agents import Agent, Transitions, make_agent
from preroll.envs import Tables

Record = Callable[[Agent, Tables, int], list[Transitions]]
Outputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
LANES, STEPS = 6, 10
SETTINGS: dict[str, Any] = {
    "num_envs": LANES, "steps": STEPS, "batch": 20, "epochs": 2, "hidden": (8,), "gamma": 0.8, "gae_lambda": 0.7,
    "clip": 0.1, "entropy": 0.05, "value_weight": 0.6, "max_gradient": 0.4, "learning_rate": 0.01,
    "final_learning_rate": 0.002,
}  # fmt: skip


def played(network: Any, rows: list[Transitions], memory: torch.Tensor | None) -> Outputs:
    """Log-probabilities (T, n, A), values (T, n) and values of the next observations, slot by slot and lane by lane."""
    logits, values, following = (torch.zeros(STEPS, LANES, *size) for size in ((network.policy.out_features,), (), ()))
    for lane in range(LANES):
        state = None if memory is None else memory[lane]
        for t, row in enumerate(rows):
            seen, ahead = (
                network.body(torch.from_numpy(one[lane])) for one in (row.observations, row.next_observations)
            )
            if state is not None:
                seen = state = network.gru(seen[None], state[None])[0]
                ahead = network.gru(ahead[None], state[None])[0]
            logits[t, lane], values[t, lane] = network.policy(seen), network.value(seen)[0]
            following[t, lane] = network.value(ahead)[0]
            if state is not None and row.ended[lane]:
                state = torch.zeros_like(state)
    return torch.log_softmax(logits, dim=2), values, following


def advantages_of(rows: list[Transitions], values: Any, following: Any, scale: float, bootstrap: bool) -> torch.Tensor:
    """Â by its recursion, from the last slot to the first."""
    found = torch.zeros(STEPS, LANES)
    for lane in range(LANES):
        advantage = 0.0
        for t in reversed(range(STEPS)):
            row = rows[t]
            final = row.terminated[lane] or (row.truncated[lane] and not bootstrap)
            error = row.rewards[lane] / scale + (0.0 if final else 0.8 * following[t, lane]) - values[t, lane]
            advantage = error + (0.0 if row.ended[lane] else 0.8 * 0.7 * advantage)
            found[t, lane] = advantage
    return found


def descend(network: Any, optimizer: Any, loss: torch.Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), 0.4)
    optimizer.step()


def learn(agent: Any, rows: list[Transitions], memory: torch.Tensor | None, bootstrap: bool) -> tuple[Any, list[Any]]:
    """The network after a training by autograd, and its losses."""
    network, dice = deepcopy(agent.network), deepcopy(agent.rng)
    rate = 0.01 + (0.002 - 0.01) * agent.progress
    optimizer = torch.optim.Adam(network.parameters(), lr=rate, eps=1e-5)
    moments = deepcopy(agent.optimizer.state_dict()["state"])  # or both would write to the same ones
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    actions = torch.from_numpy(np.stack([row.actions for row in rows]))[:, :, None]
    with torch.no_grad():
        log, values, following = played(network, rows, memory)
        before = log.gather(2, actions)[:, :, 0]
        raised = advantages_of(rows, values, following, agent.scale, bootstrap)
        normal = (raised - raised.mean()) / (raised.std() + 1e-8)
    count, losses = (LANES * STEPS if memory is None else LANES), []
    for _ in range(2):
        for part in np.array_split(dice.permutation(count), 3):  # of 60 transitions 20 each, of 6 lanes 2
            chosen = torch.zeros(STEPS, LANES, dtype=torch.bool)
            (chosen.view(-1) if memory is None else chosen.T)[torch.from_numpy(part)] = True
            log, now, _ = played(network, rows, memory)
            ratio = (log.gather(2, actions)[:, :, 0] - before).exp()[chosen]
            gain = torch.min(ratio * normal[chosen], ratio.clamp(0.9, 1.1) * normal[chosen]).mean()
            entropy = -(log.exp() * log).sum(dim=2)[chosen].mean()
            error = ((now - raised - values)[chosen] ** 2).mean()
            losses.append([float(-gain.detach()), float(error.detach())])
            descend(network, optimizer, -gain - 0.05 * entropy + 0.6 * error)
    return network, losses


@pytest.mark.parametrize("bootstrap", [False, True])
@pytest.mark.parametrize("name", ["lean-ppo", "recurrent-ppo"])
def test_two_trainings_are_those_of_autograd(name: str, bootstrap: bool, short: Tables, record: Record) -> None:
    """The second one begins in the midst of sessions, with Adam's memory of the first."""
    units = {"recurrent_units": 5} if name == "recurrent-ppo" else {}
    agent: Any = make_agent(name, short, seed=4, bootstrap_at_horizon=bootstrap, **SETTINGS, **units)
    given: list[Transitions] = []
    trained: list[Any] = []
    take, train = agent._learn, agent._train

    def keep(transitions: Transitions) -> None:
        given.append(transitions)
        take(transitions)

    def both(last: Transitions) -> None:
        memory = torch.from_numpy(agent._first.copy()) if units else None
        expected, losses = learn(agent, given[-STEPS:], memory, bootstrap)
        train(last)
        for (what, ours), theirs in zip(agent.network.named_parameters(), expected.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-6, msg=what)
        told = [agent.metrics()[metric] for metric in ("policy_loss", "value_loss")]
        np.testing.assert_allclose(told, np.mean(losses, axis=0), atol=1e-6)
        trained.append(memory)

    agent._learn, agent._train = keep, both
    record(agent, short, 2 * STEPS)
    assert len(trained) == 2
    assert not units or trained[1].any()  # sessions went on from the first to the second
