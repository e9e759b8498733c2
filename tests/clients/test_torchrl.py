"""TorchRL: specs, rollouts of one and of many lanes, infos as entries."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from tests.clients.conftest import needs
from tests.clients.plain import ID, by_progress, play

pytestmark = needs("torchrl")
SAME_STEP = AutoresetMode.SAME_STEP


def one_hot(tensordict: Any) -> Any:
    """A policy of TorchRL: the actions of the plain loop, one-hot."""
    import torch

    observations = tensordict["observation"]
    actions = [by_progress(row) for row in observations.reshape(-1, observations.shape[-1]).numpy()]
    hot = torch.nn.functional.one_hot(torch.tensor(actions), 7)
    return tensordict.set("action", hot.reshape(*observations.shape[:-1], 7))


def test_a_rollout_is_the_plain_loop() -> None:
    from torchrl.envs import GymEnv
    from torchrl.envs.utils import check_env_specs

    check_env_specs(GymEnv(ID, scenario="fatigue"))
    env = GymEnv(ID, scenario="fatigue")
    env.set_seed(5)  # starts session 0 of the stream, and the rollout's reset session 1
    rollout = env.rollout(100, one_hot)
    (session,) = play(5, 1, skip=1)
    np.testing.assert_array_equal(rollout["observation"], session.observations[:-1])
    np.testing.assert_array_equal(rollout["next", "observation"], session.observations[1:])
    assert rollout["next", "reward"].flatten().tolist() == session.rewards
    assert rollout["next", "terminated"].flatten().tolist() == session.terminated
    assert rollout["next", "truncated"].flatten().tolist() == session.truncated


def rollout_of_lanes(**settings: Any) -> Any:
    from torchrl.envs import GymWrapper
    from torchrl.envs.utils import check_env_specs

    # Each with an environment of its own: what the check leaves behind changes the first observations of a later reset.
    checked, env = (GymWrapper(gym.make_vec(ID, num_envs=4, scenario="fatigue", **settings)) for _ in range(2))
    check_env_specs(checked)
    return env.rollout(120, one_hot, tensordict=env.reset(seed=5), auto_reset=False, break_when_any_done=False)


def test_lanes_roll_out_through_the_ends_of_sessions() -> None:
    """Final observations and infos are where TorchRL puts them: it maps infos by torch's trees of exact dicts."""
    rollout = rollout_of_lanes(autoreset_mode=SAME_STEP)
    for lane in range(4):
        played = play(5 + lane, 20)
        observations = np.concatenate([session.observations[:-1] for session in played])[:120]
        following = np.concatenate([session.observations[1:] for session in played])[:120]
        infos = [info for session in played for info in session.infos[1:]][:120]
        np.testing.assert_array_equal(rollout["observation"][lane], observations)
        np.testing.assert_array_equal(rollout["next", "observation"][lane], following)
        rewards = np.concatenate([session.rewards for session in played])[:120]
        np.testing.assert_array_equal(rollout["next", "reward"][lane, :, 0], rewards)
        for key in infos[0]:
            np.testing.assert_array_equal(rollout["next", key][lane], [info[key] for info in infos], err_msg=key)


def test_lanes_are_those_of_gymnasiums_vector_environment() -> None:
    ours = rollout_of_lanes(autoreset_mode=SAME_STEP)
    theirs = rollout_of_lanes(vectorization_mode="sync", vector_kwargs={"autoreset_mode": SAME_STEP})
    assert set(ours.keys(True, True)) == set(theirs.keys(True, True))
    assert ours["next", "done"].sum() > 8
    for key in ours.keys(True, True):
        np.testing.assert_array_equal(ours[key], theirs[key], err_msg=str(key))


def test_next_step_is_refused_by_torchrl() -> None:
    from torchrl.envs import GymWrapper

    with pytest.raises(RuntimeError, match="SAME_STEP or DISABLED"):
        GymWrapper(gym.make_vec(ID, num_envs=4))
