"""Adam and gradient clipping on one tensor that holds all parameters of an agent."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch

MEAN, SQUARE = 0.9, 0.999  # decay of the two moments (Kingma & Ba 2015)


class FlatAdam:
    """Adam (Kingma & Ba 2015) on one tensor, of which the given parameters become parts, after clipping.

    Small networks have many parameters, each of which takes less time than a call for it: here a call serves them all.
    To stable-baselines3 and to what is saved it is a ``torch.optim.Adam`` on the parameters one by one.

    Args:
        parameters: become views of :attr:`flat`.
        placed: the same in the order in which they shall lie there; by default as given.
        lr: learning rate.
        eps: added to the root of the second moment.
        max_gradient: largest norm of the gradient.

    Attributes:
        flat: all parameters, (k,).
        gradient: (k,), where that of the next step is written to.
        param_groups: hold the learning rate, where stable-baselines3 writes it.
    """

    def __init__(
        self,
        parameters: Iterable[torch.nn.Parameter],
        placed: Sequence[torch.nn.Parameter] = (),
        *,
        lr: float,
        eps: float,
        max_gradient: float,
    ) -> None:
        self.parts, self.eps, self.max_gradient = list(parameters), eps, max_gradient
        self.param_groups: list[dict[str, Any]] = [{"lr": lr, "params": self.parts}]
        self.placed = list(placed) or self.parts
        self.flat = flattened(self.placed)
        self.gradient, self.mean, self.square = (torch.zeros_like(self.flat) for _ in range(3))
        self.steps = 0

    def zero_grad(self) -> None:
        """Does nothing, as every gradient replaces the last."""

    @torch.no_grad()
    def step(self) -> None:
        """Makes one step against the gradient, after clipping it."""
        gradient = self.gradient
        norm = math.sqrt(float(gradient @ gradient))
        if not norm <= self.max_gradient:  # nor is NaN, which shall be found in the parameters
            gradient *= self.max_gradient / norm
        self.steps += 1
        root = math.sqrt(1 - SQUARE**self.steps)
        self.mean.lerp_(gradient, 1 - MEAN)
        self.square.mul_(SQUARE).addcmul_(gradient, gradient, value=1 - SQUARE)
        rate = self.param_groups[0]["lr"] * root / (1 - MEAN**self.steps)
        self.flat.addcdiv_(self.mean, self.square.sqrt().add_(self.eps * root), value=-rate)

    def state_dict(self) -> dict[str, Any]:
        """Returns the state as that of a ``torch.optim.Adam`` on the parameters one by one."""
        state = {
            index: {
                "step": torch.tensor(float(self.steps)),
                "exp_avg": mirrored(self.mean, part),
                "exp_avg_sq": mirrored(self.square, part),
            }
            for index, part in enumerate(self.parts)
        }
        groups = [{**self.param_groups[0], "params": list(state)}]
        return {"state": state if self.steps else {}, "param_groups": groups}

    def load_state_dict(self, told: dict[str, Any]) -> None:
        """Restores what :meth:`state_dict` returned, or a ``torch.optim.Adam``; the learning rate is not changed."""
        for index, moments in told["state"].items():
            self.steps = int(moments["step"])
            mirrored(self.mean, self.parts[index]).copy_(moments["exp_avg"])
            mirrored(self.square, self.parts[index]).copy_(moments["exp_avg_sq"])


def flattened(parameters: Sequence[torch.nn.Parameter]) -> torch.Tensor:
    """Lays ``parameters`` side by side in one new tensor, and returns it."""
    flat = torch.cat([one.detach().flatten() for one in parameters])
    begin = 0
    for one in parameters:
        one.data = flat[begin : begin + one.numel()].view_as(one)
        begin += one.numel()
    return flat


def mirrored(like: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
    """Returns the view of ``like`` that ``part`` is of the tensor of all parameters."""
    return like.as_strided(part.shape, part.stride(), part.storage_offset())
