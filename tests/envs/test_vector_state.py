"""The state of a vector environment is all that its later steps depend on."""

import copy
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from preroll.envs import SessionVectorEnv
from preroll.envs.kernel import layout
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog

LANES = 300  # more than one block of the kernel


def play(envs: SessionVectorEnv, steps: int, seed: int) -> list[Any]:
    """Everything that a number of steps with random ads returns, and a reset of every third lane after them."""
    rng = np.random.default_rng(seed)
    told: list[Any] = []
    for _ in range(steps):
        *arrays, infos = envs.step(rng.integers(envs.tables.n_actions, size=envs.num_envs))
        told += copy.deepcopy([*arrays, {**infos, "final_obs": list(infos.get("final_obs", ()))}])
    return [*told, *envs.reset(options={"reset_mask": np.arange(envs.num_envs) % 3 == 0})]


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@pytest.mark.parametrize("scenario", ["classic", "fatigue", "published", "drift", "hidden-users"])
def test_restored_in_another_environment_it_continues_bit_for_bit(
    scenario: str, mode: AutoresetMode, small_catalog: Catalog
) -> None:
    envs, others = (
        SessionVectorEnv(LANES, scenario, small_catalog, autoreset_mode=mode, copy=c) for c in (True, False)
    )
    envs.reset(seed=3)
    play(envs, 19, seed=0)
    observations, _, terminated, truncated, _ = envs.step(np.zeros(LANES, np.int64))
    while not (terminated | truncated).any():  # to save it where sessions have just ended
        observations, _, terminated, truncated, _ = envs.step(np.zeros(LANES, np.int64))
    state = envs.state_arrays()
    expected = play(envs, 25, seed=1)
    np.testing.assert_array_equal(others.load_state(state), observations)
    np.testing.assert_equal(play(others, 25, seed=1), expected)


def test_a_saved_state_does_not_change_with_later_steps(small_catalog: Catalog) -> None:
    envs = SessionVectorEnv(4, "fatigue", small_catalog)
    envs.reset(seed=1)
    state = envs.state_arrays()
    expected = play(envs, 9, seed=0)
    envs.load_state(state)
    np.testing.assert_equal(play(envs, 9, seed=0), expected)


def test_without_a_session_there_is_no_state(small_catalog: Catalog) -> None:
    with pytest.raises(PrerollError, match=r"state_arrays: no session is running: call reset\(\) first"):
        SessionVectorEnv(3, "classic", small_catalog).state_arrays()


def changed(state: NDArray[np.int32], row: int, value: int) -> NDArray[np.int32]:
    """A state in which the last lane has another number in one row."""
    other = state.copy()
    other[row, -1] = value
    return other


def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(small_catalog: Catalog) -> None:
    """Compiled code would read beyond its tables."""
    envs = SessionVectorEnv(3, "fatigue", small_catalog)
    envs.reset(seed=1)
    good = envs.state_arrays()
    session = layout.ROWS.index(layout.SESSION)
    rows = [row for row in range(len(layout.ROWS)) if row != session]
    beyond = {row: changed(good["state"], row, 10**6) for row in rows}
    below = {row: changed(good["state"], row, -1) for row in [*rows, session]}
    for bad, message in (
        ({"keys": good["keys"]}, r"state: missing: int32 \[8, 3\] is expected"),
        ({**good, "keys": good["keys"][:, :2]}, r"keys: uint64 \[2, 2\]: uint64 \[2, 3\] is expected"),
        ({**good, "state": good["state"].astype(np.int64)}, r"state: int64 \[8, 3\]: int32 \[8, 3\] is expected"),
        *(({**good, "state": state}, "numbers that fatigue") for state in [*beyond.values(), *below.values()]),
    ):
        with pytest.raises(PrerollError, match=message):
            envs.load_state(bad)
    np.testing.assert_equal(envs.state_arrays(), good)
