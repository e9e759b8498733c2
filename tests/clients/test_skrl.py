"""skrl: wrapped environments step with the shapes that it expects, and the values of the environment."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from tests.clients.conftest import needs
from tests.clients.plain import ID

pytestmark = needs("skrl")
MAKERS = {
    "single": lambda: gym.make(ID, scenario="fatigue"),
    "next step": lambda: gym.make_vec(ID, num_envs=3, scenario="fatigue"),
    "same step": lambda: gym.make_vec(ID, num_envs=3, scenario="fatigue", autoreset_mode=AutoresetMode.SAME_STEP),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_wrapped_environment_steps_as_it_is(make: Any) -> None:
    import torch
    from skrl.envs.wrappers.torch import wrap_env

    wrapped, plain = wrap_env(make(), verbose=False), make()
    n = wrapped.num_envs
    observations, _ = wrapped.reset()
    np.testing.assert_array_equal(observations.numpy().squeeze(), plain.reset(seed=wrapped_seed())[0])
    for step in range(60):
        actions = torch.full((n, 1), step % 7)
        *arrays, infos = wrapped.step(actions)
        assert [tuple(array.shape) for array in arrays] == [(n, 23), (n, 1), (n, 1), (n, 1)]
        *expected, told = plain.step(actions.flatten().numpy() if n > 1 else step % 7)
        for one, other in zip(arrays, expected, strict=True):
            np.testing.assert_array_equal(one.numpy().squeeze(), other)
        assert set(infos) == set(told)
        if n == 1 and (expected[2] or expected[3]):
            np.testing.assert_array_equal(wrapped.reset()[0][0], plain.reset()[0])


def wrapped_seed() -> int:
    from skrl import config

    return int(config.torch.key)
