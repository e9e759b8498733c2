"""RLlib: one iteration of PPO counts the sessions and revenues that the environments played."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from gymnasium.wrappers import RecordEpisodeStatistics

from preroll.envs import SessionEnv
from preroll.errors import PrerollError
from tests.clients.conftest import needs
from tests.clients.plain import ID

pytestmark = needs("ray", "tree", "lz4")
#: Environments that RLlib made; here, since it copies what a function of its own holds.
MADE: list[Any] = []


def make(env_config: Any) -> Any:
    MADE.append(RecordEpisodeStatistics(SessionEnv(**env_config), buffer_length=1000))
    return MADE[-1]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """Ray with one worker at most, which algorithms need even where all runs in this process."""
    import ray

    ray.init(num_cpus=1, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    yield
    ray.shutdown()


def algorithm(env: Any) -> Any:
    from ray.rllib.algorithms.ppo import PPOConfig

    config = PPOConfig().environment(env, env_config={"scenario": "fatigue"}).debugging(seed=1)
    config = config.env_runners(num_env_runners=0, num_envs_per_env_runner=2)
    return config.training(train_batch_size=256, minibatch_size=64, num_epochs=1).build_algo()


def test_an_iteration_counts_what_the_environments_played() -> None:
    from ray.tune import register_env

    register_env("preroll", make)
    trained = algorithm("preroll")
    told = trained.train()
    revenues = [float(revenue) for env in MADE for revenue in env.return_queue]
    slots = [int(length) for env in MADE for length in env.length_queue]
    runners, losses = told["env_runners"], told["learners"]["default_policy"]
    assert runners["num_episodes"] == len(revenues) > 5
    assert runners["episode_return_mean"] == pytest.approx(np.mean(revenues))
    assert runners["episode_len_max"] == max(slots)
    assert np.isfinite([losses["policy_loss"], losses["vf_loss"]]).all()
    trained.stop()


def test_the_name_of_the_environment_trains_the_same() -> None:
    told = [algorithm(env).train()["env_runners"] for env in (ID, "preroll")]
    for key in ("num_episodes", "episode_return_mean", "episode_len_max"):
        assert told[0][key] == told[1][key], key


def test_the_class_with_settings_is_answered_by_what_to_write() -> None:
    with pytest.raises(PrerollError, match="unpack it"):
        algorithm(SessionEnv)
