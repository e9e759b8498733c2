"""Multilayer perceptron in few large operations, with its gradient in closed form."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import torch

from preroll.agents.deep.networks.flat_adam import mirrored

#: The activation in place, and what turns the derivative with respect to its output, and that output, to its input's.
ACTIVATIONS: dict[type[torch.nn.Module], tuple[Callable[..., torch.Tensor], Callable[..., torch.Tensor]]] = {
    torch.nn.ReLU: (torch.relu_, lambda pull, output: torch.ops.aten.threshold_backward(pull, output, 0)),
    torch.nn.Tanh: (torch.tanh_, torch.ops.aten.tanh_backward),
}


class Perceptron:
    """Layers with an activation, followed by linear heads that are computed as one layer.

    Units are rows and the batch lies along them: so biases, sums over the batch and the few actions of a softmax run
    along contiguous memory. It computes with the parameters of the given modules where they lie now, and without a
    graph: autograd over a small network takes longer than the network.

    Args:
        body: linear layers, each followed by the same activation; may be none.
        heads: linear layers on the last layer's output; the weights of several must lie side by side, and the biases.
        gradient: like the tensor in which the parameters lie; :meth:`differentiate` writes to it.

    Attributes:
        layers: weight (units, inputs) and bias (units, 1) of every layer; those of all heads are one.
    """

    def __init__(
        self, body: Iterable[torch.nn.Module], *heads: torch.nn.Linear, gradient: torch.Tensor | None = None
    ) -> None:
        modules = list(body)
        self.activate, self.pull_back = ACTIVATIONS[type(modules[-1]) if modules else torch.nn.ReLU]
        linear = [[module] for module in modules if isinstance(module, torch.nn.Linear)]
        self.layers = [
            (_stacked([one.weight for one in each]), _stacked([one.bias[:, None] for one in each]))
            for each in (*linear, heads)
        ]
        self._places = [] if gradient is None else [tuple(mirrored(gradient, p) for p in pair) for pair in self.layers]

    def outputs(self, observations: torch.Tensor) -> list[torch.Tensor]:
        """Computes what every layer returns for observations (n, d).

        Returns:
            The observations (d, n), the outputs of every layer (units, n), and last those of the heads.
        """
        found = [observations.T]
        for weight, bias in self.layers[:-1]:
            found.append(self.activate(torch.addmm(bias, weight, found[-1])))
        weight, bias = self.layers[-1]
        return [*found, torch.addmm(bias, weight, found[-1])]

    def differentiate(self, outputs: Sequence[torch.Tensor], pull: torch.Tensor) -> None:
        """Writes the derivatives of a sum over the batch with respect to all parameters, by the chain rule.

        Args:
            outputs: of :meth:`outputs`.
            pull: derivative with respect to the last of them, (units, n).
        """
        steps = zip(self.layers, self._places, outputs[:-1], strict=True)
        for (weight, _), (to_weight, to_bias), below in reversed(list(steps)):
            torch.mm(pull, below.T, out=to_weight)
            torch.sum(pull, dim=1, keepdim=True, out=to_bias)
            if below is not outputs[0]:
                pull = self.pull_back(torch.mm(weight.T, pull), below)


def _stacked(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """Returns one view of ``parts``, which lie side by side."""
    assert all(one.data_ptr() + one.nbytes == other.data_ptr() for one, other in pairwise(parts))
    first = parts[0].detach()
    return first.as_strided((sum(map(len, parts)), *first.shape[1:]), first.stride())
