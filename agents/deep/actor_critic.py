"""Network of the lean PPO: a shared body with heads for the logits of the actions and the value of the state."""

from typing import cast

import torch

ACTIVATIONS = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}


class ActorCritic(torch.nn.Module):
    """Actor-critic network whose layers are shared by policy and value, which costs half of two networks.

    Weights are initialised orthogonally, as Schulman et al. 2017 begin; those of the policy's last layer are small, so
    that initially all ads are about equally likely.

    Args:
        n_inputs: d, size of an observation.
        n_actions: A.
        hidden: units of the layers of the body.
        activation: ``tanh`` or ``relu``.
        features: number of inputs of the policy and value heads, if they are not fed by the body directly.
    """

    def __init__(
        self, n_inputs: int, n_actions: int, hidden: tuple[int, ...], activation: str, *, features: int | None = None
    ) -> None:
        super().__init__()
        sizes = (n_inputs, *hidden)
        layers: list[torch.nn.Module] = []
        for before, after in zip(sizes, hidden, strict=False):
            layers += [_linear(before, after, 2**0.5), ACTIVATIONS[activation]()]
        self.body = torch.nn.Sequential(*layers)
        self.policy = _linear(features or sizes[-1], n_actions, 0.01)
        self.value = _linear(features or sizes[-1], 1, 1.0)

    def forward(self, observations: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Computes logits (n, A) and values (n,) for observations (n, d)."""
        features = self.body(observations)
        return self.policy(features), self.value(features)[:, 0]

    def logits(self, observations: torch.Tensor) -> torch.Tensor:
        """Computes the logits (n, A) alone."""
        return cast(torch.Tensor, self.policy(self.body(observations)))


def _linear(before: int, after: int, gain: float) -> torch.nn.Linear:
    layer = torch.nn.Linear(before, after)
    torch.nn.init.orthogonal_(layer.weight, gain)
    torch.nn.init.zeros_(layer.bias)
    return layer
