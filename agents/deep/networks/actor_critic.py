"""Network of the lean PPO: a shared body with heads for the logits of the actions and the value of the state."""

from typing import cast

import torch

from preroll.agents.deep.networks.flat_adam import FlatAdam
from preroll.agents.deep.networks.perceptron import Perceptron

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

    def flatten(self, **settings: float) -> FlatAdam:
        """Lays the parameters side by side, those of the heads too, and returns the optimiser that does so.

        Args:
            settings: of :class:`FlatAdam`.
        """
        heads = (self.policy, self.value)
        tops = cast(list[torch.nn.Parameter], [*(head.weight for head in heads), *(head.bias for head in heads)])
        optimizer = FlatAdam(self.parameters(), [*self.body.parameters(), *tops], **settings)
        self.perceptron = Perceptron(self.body, *heads, gradient=optimizer.gradient)
        return optimizer

    def forward(self, observations: torch.Tensor) -> list[torch.Tensor]:
        """Computes the outputs of all layers for observations (n, d), once the parameters are flat.

        The last are the logits of the actions and below them the value of the state, (A + 1, n).
        """
        return self.perceptron.outputs(observations)


def _linear(before: int, after: int, gain: float) -> torch.nn.Linear:
    layer = torch.nn.Linear(before, after)
    torch.nn.init.orthogonal_(layer.weight, gain)
    torch.nn.init.zeros_(layer.bias)
    return layer
