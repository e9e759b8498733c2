from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from preroll.agents import Agent, make_agent
from preroll.agents.deep.lean_ppo import gae
from preroll.agents.deep.networks.ppo_gradient import ppo_gradient, ppo_metrics
from preroll.envs import Tables

Practice = Callable[[Agent, Tables, int], None]


def test_the_gradient_in_closed_form_is_that_of_the_loss() -> None:
    maker = torch.Generator().manual_seed(0)
    logits = torch.randn(500, 7, generator=maker, dtype=torch.float64, requires_grad=True)
    ads = torch.randint(7, (500,), generator=maker)
    advantages = torch.randn(500, generator=maker, dtype=torch.float64)
    log = torch.log_softmax(logits, dim=1)
    chosen = log.gather(1, ads[:, None])[:, 0]
    before = chosen.detach() + 0.3 * torch.randn(500, generator=maker, dtype=torch.float64)
    ratio = (chosen - before).exp()
    surrogate = torch.min(ratio * advantages, ratio.clamp(0.8, 1.2) * advantages).mean()
    entropy = -(log.exp() * log).sum(dim=1).mean()
    values, returns = torch.randn(2, 500, generator=maker, dtype=torch.float64)
    values.requires_grad_()
    error = ((values - returns) ** 2).mean()
    (-surrogate - 0.05 * entropy + 0.6 * error).backward()
    gradient, terms = ppo_gradient(
        torch.cat([logits.detach().T, values.detach()[None]]), ads[None], before[None], advantages[None], returns[None],
        clip=0.2, entropy=0.05, value_weight=0.6,
    )  # fmt: skip
    assert logits.grad is not None
    assert values.grad is not None
    torch.testing.assert_close(gradient, torch.cat([logits.grad.T, values.grad[None]]), rtol=1e-9, atol=1e-12)
    kl, outside = (ratio - 1 - (chosen - before)).mean(), ((ratio - 1).abs() > 0.2).double().mean()
    told = list(ppo_metrics([terms], 0.2).values())
    np.testing.assert_allclose(told, torch.stack([-surrogate, entropy, kl, outside, error]).detach().numpy(), rtol=1e-9)


def test_advantages_are_the_discounted_errors_of_the_session() -> None:
    rng = np.random.default_rng(0)
    rewards, values = rng.random((2, 12, 3)).astype(np.float32)
    following = rng.random(3).astype(np.float32)
    ended = rng.random((12, 3)) < 0.2
    gamma, weight = 0.9, 0.7
    given = gae(rewards, values, ended, following, gamma, weight)
    after = np.concatenate([values[1:], following[None]]) * ~ended
    errors = rewards + gamma * after - values
    for lane in range(3):
        for t in range(12):
            stop = next((k for k in range(t, 12) if ended[k, lane]), 11)
            expected = sum((gamma * weight) ** (k - t) * errors[k, lane] for k in range(t, stop + 1))
            np.testing.assert_allclose(given[t, lane], expected, rtol=1e-5, atol=1e-6)


def test_it_learns_from_the_rows_that_it_was_given(fatigue: Tables, practice: Practice) -> None:
    """Nothing is trained until all steps are there; then the network changes, and what was collected is used up."""
    agent: Any = make_agent("lean-ppo", fatigue, num_envs=16, steps=20, batch=160)
    before = agent.state_arrays()["network/policy.weight"]
    practice(agent, fatigue, 19)
    assert np.array_equal(agent.state_arrays()["network/policy.weight"], before)
    assert len(agent.state_arrays(training=True)["collected/actions"]) == 19
    practice(agent, fatigue, 1)
    assert not np.array_equal(agent.state_arrays()["network/policy.weight"], before)
    assert len(agent.state_arrays(training=True)["collected/actions"]) == 0


def test_over_the_horizon_it_looks_only_where_asked_to(classic: Tables, practice: Practice) -> None:
    largest = {}
    for bootstrap in (False, True):
        agent: Any = make_agent("lean-ppo", classic, num_envs=8, steps=21, bootstrap_at_horizon=bootstrap)
        with torch.no_grad():
            agent.network.value.bias.fill_(100.0)
        practice(agent, classic, 20)
        largest[bootstrap] = agent.rewards[19].max()
    assert largest[False] <= 1.0
    assert largest[True] > 90.0
