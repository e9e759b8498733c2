"""Whoever uses the generator before the first reset neither starts a session nor kills the streams."""

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import preroll  # noqa: F401  (registers the environment)
from preroll.envs import SessionEnv, SessionVectorEnv
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog


def set_generator(env: Any) -> None:
    env.np_random = np.random.default_rng(7)


def set_seed(env: Any) -> None:
    env._np_random_seed = 5


TOUCHES: list[Callable[[Any], Any]] = [
    *(lambda env: env.np_random, lambda env: env.np_random.random(), lambda env: env.np_random_seed),
    *(set_generator, set_seed),
]
both = pytest.mark.parametrize("new", [SessionEnv, lambda *args: SessionVectorEnv(4, *args)])
touches = pytest.mark.parametrize("touch", TOUCHES)


@both
@touches
def test_the_streams_are_those_of_np_random_seed(new: Any, touch: Any, small_catalog: Catalog) -> None:
    """A bug once: all environments played the same session, again and again."""
    env, other = new("hidden-users", small_catalog), new("hidden-users", small_catalog)
    touch(env)
    first = env.reset()
    np.testing.assert_array_equal(first[0], other.reset(seed=env.np_random_seed)[0])
    for _ in range(3):
        np.testing.assert_array_equal(env.reset()[0], other.reset()[0])
    env.step(np.zeros(4, int) if isinstance(env, SessionVectorEnv) else 0)


@both
@pytest.mark.parametrize("touch", TOUCHES[:3])
def test_a_seed_that_was_told_before_the_first_reset_holds(new: Any, touch: Any, small_catalog: Catalog) -> None:
    env = new("classic", small_catalog)
    touch(env)
    told = env.np_random_seed
    env.reset()
    assert env.np_random_seed == told != new("classic", small_catalog).np_random_seed


@both
def test_a_generator_that_was_set_decides_the_streams_and_stays(new: Any, small_catalog: Catalog) -> None:
    """As in Gymnasium's environments; Tianshou seeds so."""
    seeds = []
    for seed in (1, 1, 2):
        env = new("classic", small_catalog)
        env.np_random = rng = np.random.default_rng(seed)
        env.reset()
        seeds.append(env.np_random_seed)
        assert env.np_random is rng
    assert seeds[0] == seeds[1] != seeds[2]
    assert seeds[0] >= 0


@both
@touches
def test_no_session_runs_before_the_first_reset(new: Any, touch: Any, small_catalog: Catalog) -> None:
    env = new("classic", small_catalog)
    touch(env)
    with pytest.raises(PrerollError, match="step: no session is running"):
        env.step(np.zeros(4, int))
    if isinstance(env, SessionVectorEnv):
        for call in (env.state_arrays, lambda: env.skip_to(3)):
            with pytest.raises(PrerollError, match="no session is running"):
                call()
        with pytest.raises(PrerollError, match="the first reset should be of all lanes"):
            env.reset(options={"reset_mask": np.array([True, False, False, True])})


def test_wrappers_may_read_the_generator_of_gym_make() -> None:
    videos = set()
    for _ in range(12):
        env = gym.make("preroll/Session-v0")
        env.np_random  # noqa: B018
        videos.add(env.reset()[1]["video"])
    assert len(videos) > 3


def test_np_random_seed_tells_the_seed_of_every_stream(small_catalog: Catalog) -> None:
    envs = SessionVectorEnv(3, "classic", small_catalog)
    for seed, mask, told in (
        ([5, 9, 7], None, (5, 9, 7)),
        (None, None, (5, 9, 7)),
        ([None, 4, None], None, (5, 4, 7)),
        (2, None, 2),
        (np.int64(30), np.array([False, True, False]), (2, 31, 4)),
        ([1, 1, 1], np.array([True, False, False]), (1, 31, 4)),
    ):
        envs.reset(seed=seed, options=None if mask is None else {"reset_mask": mask})
        assert envs.np_random_seed == told
    other = SessionVectorEnv(3, "classic", small_catalog)
    other.load_state(envs.state_arrays())
    assert other.np_random_seed == -1
    other.reset(seed=[None, 8, None])
    assert other.np_random_seed == (-1, 8, -1)
