"""Gradient step of PPO on a minibatch, of any network that gives logits and values."""

from collections.abc import Callable

import torch

from preroll.agents.deep.networks.flat_adam import FlatAdam
from preroll.agents.deep.networks.minibatches import Rows
from preroll.agents.deep.networks.ppo_gradient import Terms, ppo_gradient
from preroll.agents.deep.settings import PPOSettings

Pull = Callable[[torch.Tensor], None]
#: Computes the logits and below them the values, (A + 1, N), and what writes the gradient, given their derivative.
Forward = Callable[[Rows], tuple[torch.Tensor, Pull]]


def judge(rows: Rows, forward: Forward) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the log-probabilities of the actions, and the values, in the shape of the actions."""
    actions = rows["actions"]
    outputs, _ = forward(rows)
    log = torch.log_softmax(outputs[:-1], dim=0).gather(0, actions.reshape(1, -1))
    return log.reshape(actions.shape), outputs[-1].reshape(actions.shape)


def normalized(advantages: torch.Tensor) -> torch.Tensor:
    """Returns ``advantages`` with mean 0 and deviation 1; a single one has none and stays, as in stable-baselines3."""
    if advantages.numel() == 1:
        return advantages
    return (advantages - advantages.mean()) / (advantages.std() + 1e-8)


def descend(rows: Rows, forward: Forward, optimizer: FlatAdam, settings: PPOSettings) -> Terms:
    """Makes one step of Adam on some units; returns what the metrics are computed from."""
    outputs, pull = forward(rows)
    derivative, terms = ppo_gradient(
        outputs,
        *(rows[name].reshape(1, -1) for name in ("actions", "before", "advantages", "returns")),
        clip=settings.clip,
        entropy=settings.entropy,
        value_weight=settings.value_weight,
    )
    pull(derivative)
    optimizer.step()
    return terms
