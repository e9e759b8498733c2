"""Gradient of the PPO loss with respect to the network's outputs, in closed form.

Autograd over the loss costs more than the small network itself; this takes a fraction of that time and is exact.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch


class Terms(NamedTuple):
    """What the metrics of a gradient step are computed from, each (1, n).

    Attributes:
        gained: min(r·Â, clip(r)·Â).
        spread: −H.
        change: ln r.
        error: V − R, of the values.
    """

    gained: torch.Tensor
    spread: torch.Tensor
    change: torch.Tensor
    error: torch.Tensor


def ppo_gradient(
    outputs: torch.Tensor,
    actions: torch.Tensor,
    before: torch.Tensor,
    advantages: torch.Tensor,
    returns: torch.Tensor,
    *,
    clip: float,
    entropy: float,
    value_weight: float,
) -> tuple[torch.Tensor, Terms]:
    """Computes the derivative of the loss with respect to the logits and the values.

    With p = softmax(logits), r = p[ad] / p_before[ad], H the entropy of p and w = r·Â where clipping is inactive, else
    0: ∂/∂z_j [−min(r·Â, clip(r)·Â) − entropy·H] = w·(p_j − [j = ad]) + entropy·p_j·(ln p_j + H).

    Args:
        outputs: the logits and below them the values V, (A + 1, n); along the batch, sums over few actions are fast.
        actions: int64 (1, n), the chosen actions.
        before: (1, n), log-probabilities with which they were chosen.
        advantages: Â (1, n).
        returns: R (1, n).
        clip: largest |r − 1| that is still rewarded.
        entropy: weight of the entropy.
        value_weight: weight of the mean of (V − R)².

    Returns:
        The derivative (A + 1, n) of the mean loss, and what :func:`ppo_metrics` needs.
    """
    n = actions.shape[1]
    log = torch.log_softmax(outputs[:-1], dim=0)
    p = log.exp()
    spread = (p * log).sum(dim=0, keepdim=True)
    change = log.gather(0, actions) - before
    ratio = change.exp()
    raised = ratio * advantages
    gained = torch.min(raised, ratio.clamp(1 - clip, 1 + clip) * advantages)
    weight = raised * (raised == gained) / n  # 0 where clipping is active
    gradient = torch.sub(weight, spread, alpha=entropy / n).add(log, alpha=entropy / n).mul_(p)
    gradient.scatter_add_(0, actions, weight.neg())
    error = outputs[-1:] - returns
    return torch.cat([gradient, error * (2 * value_weight / n)]), Terms(gained, spread, change, error)


def ppo_metrics(steps: Iterable[Terms], clip: float) -> dict[str, float]:
    """Computes the metrics of some gradient steps, as means over their transitions.

    Returns:
        ``policy_loss`` without entropy, ``entropy`` [nat], ``approx_kl``, the approximate Kullback-Leibler divergence
        from the previous policy (r − 1 − ln r), ``clip_fraction``, the share of transitions outside of the clip, and
        ``value_loss``, (V − R)².
    """
    gained, spread, change, error = (torch.cat(column, dim=1) for column in zip(*steps, strict=True))
    beyond = change.expm1()
    means = {
        "policy_loss": -gained, "entropy": -spread, "approx_kl": beyond - change,
        "clip_fraction": (beyond.abs() > clip).to(change.dtype), "value_loss": error.square(),
    }  # fmt: skip
    return {name: float(values.mean()) for name, values in means.items()}
