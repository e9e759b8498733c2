"""The dice, and that a session is the same however it is played."""

import os
import pickle
import subprocess
import sys
import tracemalloc
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from numba import njit
from numpy.typing import NDArray

from preroll.envs import SessionEnv, SessionVectorEnv, Tables, preset_names
from preroll.envs.infos.entries import of_slots
from preroll.envs.kernel import layout, rng
from preroll.perception.catalog.catalog import Catalog
from tests.conftest import ROOT
from tests.envs import plain_session
from tests.envs.every_mechanism import EVERYTHING

STEPS = 60
SAME, NEXT = AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP
FIELDS = ("video", "category", "ad", "viewed", "view_probability", "expected_reward")

# (seed of the lane, session, slot, purpose) → die
KNOWN = [
    ((0, 0, 0, rng.VIEW), "0x1.2940525c987c5p-1"),
    ((0, 0, 0, rng.LEAVE), "0x1.05b983600eb5cp-1"),
    ((1, 0, 0, rng.VIEW), "0x1.075904d061020p-1"),
    ((0, 1, 0, rng.VIEW), "0x1.bca56f06bd380p-4"),
    ((0, 0, 1, rng.VIEW), "0x1.62f14e2cfcdfdp-1"),
    ((12345, 678, 90, rng.NEXT_VIDEO), "0x1.a5ea135b6d418p-2"),
    ((2**64 - 1, 2**31 - 1, 9999, rng.SEGMENT_DIE), "0x1.7c8b4e7a569abp-1"),
]


@njit
def die(lane: Any, session: Any, slot: Any, purpose: Any) -> Any:
    """The kernel's die; parts of compiled functions cannot be called from Python."""
    return rng.die(rng.session_key(lane, session), slot, purpose)


@pytest.fixture(scope="module")
def tables(small_catalog: Catalog) -> Tables:
    """Every mechanism on."""
    return Tables.compile(EVERYTHING, small_catalog)


def ads_of(tables: Tables, lanes: int, steps: int = STEPS) -> NDArray[np.int64]:
    """The same ads for a lane whatever their number: int [steps, lanes]."""
    step, lane = np.ogrid[:steps, :lanes]
    return np.asarray((step * 7919 + lane * 104729 + step * lane) % tables.n_actions)


def played(tables: Tables, lanes: int, mode: AutoresetMode = SAME, *, copy: bool = True) -> dict[str, NDArray[Any]]:
    """Everything that the first lanes of seed 5 return over all steps, each [steps, lanes, …]."""
    envs = SessionVectorEnv(lanes, tables=tables, copy=copy, autoreset_mode=mode)
    observations, _ = envs.reset(seed=5)
    record: dict[str, list[NDArray[Any]]] = {"observation": [observations.copy()]}
    for ads in ads_of(tables, lanes):
        observations, rewards, terminated, truncated, infos = envs.step(ads)
        told: dict[str, Any] = {
            "observation": observations,
            "reward": rewards,
            "terminated": terminated,
            "truncated": truncated,
        }
        for name, value in (told | {field: of_slots(infos)[field] for field in FIELDS}).items():
            record.setdefault(name, []).append(value.copy())
    return {name: np.stack(values) for name, values in record.items()}


def assert_same(one: dict[str, NDArray[Any]], other: dict[str, NDArray[Any]], lanes: int) -> None:
    """The first lanes of both are equal, bit for bit."""
    for name, values in one.items():
        np.testing.assert_array_equal(values[:, :lanes], other[name][:, :lanes], err_msg=name)


def digest(record: dict[str, NDArray[Any]]) -> str:
    """One number for all that was returned."""
    return sha256(b"".join(values.tobytes() for values in record.values())).hexdigest()


@pytest.mark.parametrize(("key", "expected"), KNOWN)
def test_dice_are_the_known_ones_and_those_of_the_documented_formula(
    key: tuple[int, int, int, int], expected: str
) -> None:
    seed, session, slot, purpose = key
    with np.errstate(over="ignore"):
        assert float(die(rng.lane_keys(np.array([seed], np.uint64))[0], session, slot, purpose)).hex() == expected
    assert plain_session.die(seed, session, slot, purpose).hex() == expected


@pytest.mark.parametrize("lanes", [64, 257, 16_384])
def test_a_lane_plays_the_same_sessions_whatever_runs_beside_it(lanes: int, tables: Tables) -> None:
    assert_same(played(tables, 1), played(tables, lanes), 1)
    assert_same(played(tables, 64), played(tables, lanes), 64)


@pytest.mark.parametrize("name", [*preset_names(), "everything"])
def test_every_lane_is_a_single_environment(name: str, small_catalog: Catalog) -> None:
    tables = Tables.compile(EVERYTHING if name == "everything" else name, small_catalog)
    lanes = 5
    record, ads = played(tables, lanes), ads_of(tables, lanes)
    for lane in range(lanes):
        env = SessionEnv(tables=tables)
        env.reset(seed=5 + lane)
        for step in range(STEPS):
            observation, reward, terminated, truncated, info = env.step(ads[step, lane])
            if terminated or truncated:
                observation, _ = env.reset()
            told = {field: info[field] for field in FIELDS}
            told |= {"reward": reward, "terminated": terminated, "truncated": truncated}
            np.testing.assert_array_equal(observation, record["observation"][step + 1, lane])
            assert told == {field: record[field][step, lane] for field in told}


def test_both_ways_to_start_again_play_the_same_sessions(tables: Tables) -> None:
    lanes, n_sessions = 40, 8
    sessions: dict[AutoresetMode, dict[tuple[int, int], list[Any]]] = {SAME: {}, NEXT: {}}
    for mode, found in sessions.items():
        envs = SessionVectorEnv(lanes, tables=tables, autoreset_mode=mode)
        envs.reset(seed=5)
        over = np.zeros(lanes, np.bool_)
        for _ in range(120):
            number, slot = envs.sessions_started.copy(), envs._lanes.read(layout.SLOT)
            _, rewards, terminated, truncated, given = envs.step((number + slot) % tables.n_actions)
            infos = of_slots(given)
            for lane in np.flatnonzero(~over) if mode is NEXT else range(lanes):
                slots = found.setdefault((int(lane), int(number[lane])), [])
                slots.append((rewards[lane], terminated[lane], truncated[lane], *(infos[f][lane] for f in FIELDS)))
            over = terminated | truncated
    for lane in range(lanes):
        for session in range(n_sessions):
            assert sessions[SAME][lane, session] == sessions[NEXT][lane, session]


def test_steps_without_copies_give_the_same(tables: Tables) -> None:
    assert_same(played(tables, 300), played(tables, 300, copy=False), 300)


def test_what_a_step_without_copies_gave_is_valid_until_the_step_after_the_next(tables: Tables) -> None:
    envs = SessionVectorEnv(9, tables=tables, copy=False, autoreset_mode=SAME)
    envs.reset(seed=5)
    observations, rewards, *_, infos = envs.step(np.zeros(9, np.int64))
    before = observations.copy(), rewards.copy(), infos["ad"].copy()
    envs.step(np.ones(9, np.int64))
    for now, then in zip((observations, rewards, infos["ad"]), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_infos_can_be_written_to_without_harm(tables: Tables) -> None:
    envs = SessionVectorEnv(3, tables=tables, copy=False)
    envs.reset(seed=5)
    for _ in range(4):
        *_, infos = envs.step(np.zeros(3, np.int64))
        assert "episode" not in infos
        infos["episode"] = "a wrapper's"


def test_compiled_and_plain_python_play_the_same_sessions_and_neither_warns(tables: Tables) -> None:
    script = (
        "import warnings; from tests.conftest import make_catalog; from preroll.envs import Tables\n"
        "from tests.envs.kernel.test_step import *\n"
        "warnings.simplefilter('error')\n"
        "tables = Tables.compile(EVERYTHING, make_catalog())\n"
        "print(*(digest(played(tables, 7, mode)) for mode in (SAME, NEXT)))"
    )
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [digest(played(tables, 7, mode)) for mode in (SAME, NEXT)]


@pytest.mark.parametrize("copy", [True, False])
def test_an_environment_that_is_pickled_in_mid_session_goes_on_equally(copy: bool, tables: Tables) -> None:
    envs = SessionVectorEnv(6, tables=tables, copy=copy, autoreset_mode=SAME)
    envs.reset(seed=5)
    ads = ads_of(tables, 6, 20)
    for step in range(10):
        envs.step(ads[step])
    twin = pickle.loads(pickle.dumps(envs))
    for step in range(10, 20):
        for one, other in zip(envs.step(ads[step])[:4], twin.step(ads[step])[:4], strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_step_without_copies_allocates_nothing_that_grows_with_the_lanes(tables: Tables) -> None:
    peaks = []
    for lanes in (64, 16_384):
        envs = SessionVectorEnv(lanes, tables=tables, copy=False, autoreset_mode=SAME)
        envs.reset(seed=5)
        ads = ads_of(tables, lanes, 4)
        envs.step(ads[0])
        tracemalloc.start()
        for step in range(1, 4):
            envs.step(ads[step])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert max(peaks) < 16_384  # bytes: less than one for every lane
