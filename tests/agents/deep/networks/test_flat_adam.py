"""One tensor of all parameters is clipped and stepped as torch does it parameter by parameter."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from preroll.agents.deep.networks.flat_adam import FlatAdam, mirrored
from preroll.agents.deep.torch_state import load_optimizer, optimizer_arrays


def network() -> torch.nn.Sequential:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3))


def flat_step(optimizer: FlatAdam, gradients: list[torch.Tensor]) -> None:
    for part, gradient in zip(optimizer.parts, gradients, strict=True):
        mirrored(optimizer.gradient, part).copy_(gradient)
    optimizer.step()


@pytest.mark.parametrize("max_gradient", [0.3, 1e9])
def test_steps_are_those_of_clipping_and_adam(max_gradient: float) -> None:
    ours, theirs = network(), network()
    before = deepcopy(ours.state_dict())
    parameters = list(ours.parameters())
    flat = FlatAdam(parameters, parameters[::-1], lr=0.01, eps=1e-5, max_gradient=max_gradient)
    adam = torch.optim.Adam(theirs.parameters(), lr=0.01, eps=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in ours.state_dict().items())
    for step in range(5):
        gradients = [torch.randn_like(one) * (step + 1) for one in theirs.parameters()]
        for one, gradient in zip(theirs.parameters(), gradients, strict=True):
            one.grad = gradient.clone()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), max_gradient)
        adam.step()
        flat_step(flat, gradients)
    for name, value in ours.state_dict().items():
        assert not torch.equal(value, before[name])
        torch.testing.assert_close(value, theirs.state_dict()[name], rtol=0, atol=1e-6)


def test_its_state_is_saved_by_parameter_as_that_of_adam_is() -> None:
    first, second, adam_one = network(), network(), network()
    flat = FlatAdam(first.parameters(), lr=0.01, eps=1e-5, max_gradient=1.0)
    assert optimizer_arrays(flat, "o") == {}
    gradients = [torch.randn_like(one) for one in first.parameters()]
    flat_step(flat, gradients)
    saved = optimizer_arrays(flat, "o")
    adam = torch.optim.Adam(adam_one.parameters(), lr=0.01, eps=1e-5)
    load_optimizer(adam, saved, "o")
    assert {name: array.shape for name, array in optimizer_arrays(adam, "o").items()} == {
        name: array.shape for name, array in saved.items()
    }
    second.load_state_dict(first.state_dict())
    parameters = list(second.parameters())
    again = FlatAdam(parameters, parameters[::-1], lr=0.01, eps=1e-5, max_gradient=1.0)
    load_optimizer(again, optimizer_arrays(adam, "o"), "o")
    flat_step(flat, gradients)
    flat_step(again, gradients)
    for name, value in first.state_dict().items():
        torch.testing.assert_close(value, second.state_dict()[name], rtol=0, atol=1e-7)
    wrong = {**saved, "o/0/exp_avg": np.zeros(3, np.float32)}
    with pytest.raises(ValueError, match="o/0/exp_avg"):
        load_optimizer(again, wrong, "o")


def test_a_gradient_that_is_no_number_shows_in_the_parameters() -> None:
    layers = network()
    flat = FlatAdam(layers.parameters(), lr=0.01, eps=1e-5, max_gradient=1.0)
    flat.gradient.fill_(float("nan"))
    flat.step()
    assert all(one.isnan().all() for one in layers.parameters())
