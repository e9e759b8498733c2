"""Layers computed together give what the modules give, and the gradient that autograd gives."""

from typing import Any

import pytest
import torch

from preroll.agents.deep.networks.flat_adam import FlatAdam, mirrored
from preroll.agents.deep.networks.perceptron import Perceptron


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize(("hidden", "activation"), [((), "ReLU"), ((6,), "Tanh"), ((6, 4), "ReLU"), ((6, 4), "Tanh")])
def test_outputs_and_gradient_are_those_of_the_modules(hidden: tuple[int, ...], activation: str, heads: int) -> None:
    torch.manual_seed(1)
    sizes = (5, *hidden)
    body: list[torch.nn.Module] = []
    for before, after in zip(sizes, hidden, strict=False):
        body += [torch.nn.Linear(before, after), getattr(torch.nn, activation)()]
    tops = [torch.nn.Linear(sizes[-1], 3 - i) for i in range(heads)]
    layers = torch.nn.Sequential(*body)
    parameters: Any = [*layers.parameters(), *(top.weight for top in tops), *(top.bias for top in tops)]
    flat = FlatAdam(parameters, lr=1.0, eps=1.0, max_gradient=1.0)
    perceptron = Perceptron(body, *tops, gradient=flat.gradient)
    observations = torch.randn(17, 5)
    seen = layers(observations)
    expected = torch.cat([top(seen) for top in tops], dim=1)
    outputs = perceptron.outputs(observations)
    torch.testing.assert_close(outputs[-1].T, expected)
    assert not outputs[-1].requires_grad
    pull = torch.randn_like(expected)
    told: Any = torch.autograd.grad(expected, parameters, pull)
    perceptron.differentiate(outputs, pull.T)
    for parameter, gradient in zip(parameters, told, strict=True):
        torch.testing.assert_close(mirrored(flat.gradient, parameter), gradient)


def test_heads_that_do_not_lie_side_by_side_are_refused() -> None:
    with pytest.raises(AssertionError):
        Perceptron([], torch.nn.Linear(3, 2), torch.nn.Linear(3, 1))
