"""Minibatches of n-step returns from the replay buffer of stable-baselines3, in few large operations."""

from typing import NamedTuple

import numpy as np
import torch
from stable_baselines3.common.buffers import NStepReplayBuffer


class Replayed(NamedTuple):
    """Minibatch of n transitions.

    Attributes:
        observations: (n, d).
        actions: int64 (1, n).
        returns: (1, n), discounted rewards of the slots until the last that is added.
        factors: (1, n), discount of the value after that slot; 0 where the return ended with it.
        following: (n, d), the observation after it.
    """

    observations: torch.Tensor
    actions: torch.Tensor
    returns: torch.Tensor
    factors: torch.Tensor
    following: torch.Tensor


def replay(buffer: NStepReplayBuffer, count: int) -> Replayed:
    """Draws ``count`` transitions from NumPy's global generator, as ``buffer.sample`` does and with the same numbers.

    A slot ends what is added where a session ended or where nothing newer is known.
    """
    known = buffer.buffer_size if buffer.full else buffer.pos
    rows = np.random.randint(0, known, size=count)  # noqa: NPY002  (the generator that stable-baselines3 uses)
    lanes = np.random.randint(0, buffer.n_envs, size=count)  # noqa: NPY002
    discounts = buffer.gamma ** np.arange(buffer.n_steps + 1, dtype=np.float32)
    ahead = (rows + np.arange(buffer.n_steps)[:, None]) % buffer.buffer_size
    places = ahead * buffer.n_envs + lanes
    last = (buffer.dones.take(places) != 0) | (ahead == (buffer.pos - 1) % buffer.buffer_size)
    added = np.ones(places.shape, np.float32)
    added[1:] -= np.logical_or.accumulate(last[:-1])
    returns = discounts[:-1] @ (added * buffer.rewards.take(places))
    length = added.sum(axis=0, dtype=np.intp)
    end = places[length - 1, np.arange(count)]
    ended = buffer.dones.take(end) * (1 - buffer.timeouts.take(end))
    observations, following = (
        torch.from_numpy(seen.reshape(-1, seen.shape[-1]).take(which, axis=0))
        for seen, which in ((buffer.observations, places[0]), (buffer.next_observations, end))
    )
    actions, returns, factors = (
        torch.from_numpy(one)[None]
        for one in (buffer.actions.take(places[0]), returns, discounts[length] * (1 - ended))
    )
    return Replayed(observations, actions, returns, factors, following)
