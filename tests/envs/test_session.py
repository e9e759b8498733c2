"""Sessions as Gymnasium and stable-baselines3 want them, and as the tables say."""

import json
import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from scipy import stats

import preroll  # noqa: F401  (registers the environment)
from preroll.envs import Scenario, SessionEnv, SessionVectorEnv, Tables, preset_names
from preroll.envs.model.observation import SessionSpec
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog

AD = {"seconds": 10, "view_probability": 0.6, "reward": 1.0}


@pytest.mark.parametrize("name", preset_names())
def test_gymnasium_checks_pass_with_warnings_as_errors(name: str, small_catalog: Catalog) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(SessionEnv(name, small_catalog), skip_render_check=True)


@pytest.mark.parametrize("name", preset_names())
def test_stable_baselines3_checks_pass_with_warnings_as_errors(name: str, small_catalog: Catalog) -> None:
    from stable_baselines3.common.env_checker import check_env as check_for_sb3

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_for_sb3(SessionEnv(name, small_catalog))


def test_gym_make_and_make_vec_find_the_environment(small_catalog: Catalog) -> None:
    env = gym.make("preroll/Session-v0", scenario="classic", catalog=small_catalog)
    assert isinstance(env.unwrapped, SessionEnv)
    envs = gym.make_vec(
        "preroll/Session-v0",
        num_envs=3,
        vectorization_mode="vector_entry_point",
        scenario="classic",
        catalog=small_catalog,
    )
    assert isinstance(envs.unwrapped, SessionVectorEnv)


def test_rewards_are_floats_and_flags_are_bools(small_catalog: Catalog) -> None:
    env = SessionEnv("fatigue", small_catalog)
    env.reset(seed=1)
    _, reward, terminated, truncated, info = env.step(0)
    assert [type(value) for value in (reward, terminated, truncated)] == [float, bool, bool]
    assert set(info) == {"video", "category", "ad", "viewed", "view_probability", "expected_reward"}


def test_the_horizon_truncates_and_leaving_terminates(small_catalog: Catalog) -> None:
    classic = SessionEnv("classic", small_catalog)
    classic.reset(seed=0)
    flags = [classic.step(0)[2:4] for _ in range(20)]
    assert flags == [(False, False)] * 19 + [(False, True)]
    restless = Scenario.load("classic").replace({"user.leave.hazard": {"short": [1, 1]}})
    env = SessionEnv(restless, small_catalog)
    env.reset(seed=0)
    _, _, terminated, truncated, _ = env.step(0)
    assert (terminated, truncated) == (True, False)


def test_a_step_without_a_running_session_is_refused(small_catalog: Catalog) -> None:
    env = SessionEnv(Scenario.load("classic").replace({"session.horizon": 1}), small_catalog)
    with pytest.raises(PrerollError, match="call reset"):
        env.step(0)
    env.reset(seed=0)
    env.step(0)
    with pytest.raises(PrerollError, match="call reset"):
        env.step(0)


@pytest.mark.parametrize("ad", [-1, 6, 10**9])
def test_an_ad_that_does_not_exist_is_refused_and_nothing_is_played(ad: int, small_catalog: Catalog) -> None:
    env = SessionEnv("classic", small_catalog)
    env.reset(seed=0)
    with pytest.raises(PrerollError, match="numbered 0 to 5"):
        env.step(ad)
    observation, *_ = env.step(0)
    assert observation[env.layout.parts["progress"].start] == np.float32(1 / 20)


def test_a_scenario_with_a_category_that_the_catalog_lacks_is_refused(small_catalog: Catalog) -> None:
    scenario = Scenario.load({"name": "pets", "ads": {"dogs": {"short": AD}}})
    with pytest.raises(PrerollError, match=r"scenario pets: ads\.dogs: the catalog .* it has cars, cats, concerts"):
        Tables.compile(scenario, small_catalog)


def test_resets_without_a_seed_go_on_to_the_next_session(small_catalog: Catalog) -> None:
    one, other = SessionEnv("classic", small_catalog), SessionEnv("classic", small_catalog)
    one.reset(seed=5)
    second, _ = one.reset()
    other.reset(seed=5)
    for _ in range(20):
        other.step(0)
    np.testing.assert_array_equal(second, other.reset()[0])


def test_every_lane_sees_a_session_of_its_own(small_catalog: Catalog) -> None:
    envs = SessionVectorEnv(64, "classic", small_catalog)
    _, infos = envs.reset(seed=0)
    assert len(np.unique(infos["video"])) > 20


FALSE_ALARM = 1e-6  # for the whole test below: two-sided exact binomial bounds, divided by the number of cells


@pytest.mark.parametrize("name", ["classic", "fatigue"])
def test_view_frequencies_lie_within_exact_binomial_bounds_of_the_table(name: str, small_catalog: Catalog) -> None:
    """Every (category, ad) cell at fatigue 0; a wrong alarm once in a million runs, and the seed is fixed."""
    tables = Tables.compile(name, small_catalog)
    scenario = tables.scenario
    shown, viewed = np.zeros((3, tables.n_actions), int), np.zeros((3, tables.n_actions), int)
    envs = SessionVectorEnv(4096, tables=tables, autoreset_mode="SameStep")
    observations, _ = envs.reset(seed=11)
    rng = np.random.default_rng(2)
    for _ in range(60):
        rested = (
            observations[:, tables.layout.parts["fatigue"].start] == 1 if name == "fatigue" else np.ones(4096, bool)
        )
        observations, *_ = envs.step(rng.integers(0, tables.n_actions, 4096))
        cell = (envs.played.category[rested], envs.played.ad[rested])
        np.add.at(shown, cell, 1)
        np.add.at(viewed, cell, envs.played.viewed[rested])
    level = FALSE_ALARM / (2 * shown.size)
    for k, category in enumerate(small_catalog.categories):
        for a, ad in enumerate(scenario.ads):
            assert isinstance(ad.view_probability, float)
            p = ad.view_probability * (1.0 if ad.category == category else scenario.user.mismatch)
            low, high = stats.binom.ppf([level, 1 - level], shown[k, a], p)
            assert low <= viewed[k, a] <= high, (category, ad.label)
            assert shown[k, a] > 1000


def test_mechanisms_that_are_off_leave_the_classic_tables_bit_equal(small_catalog: Catalog) -> None:
    off: dict[str, Any] = {
        "recall_weight": 0.0,
        "user.position": {"pre": 1.0},
        "user.repeat": 1.0,
        "user.fatigue": {"levels": 1, "recovery": 0, "gain": {"long": [0, 0]}, "wear": [1.0]},
        "user.leave": {"hazard": {"none": [0, 0], "short": [0, 0]}, "fatigue": [0]},
        "user.segments": [{"name": "everyone", "share": 1.0}],
        "drift": [],
    }
    classic = Tables.compile("classic", small_catalog)
    switched_off = Tables.compile(Scenario.load("classic").replace(off), small_catalog)
    for name, table in classic.arrays._asdict().items():
        np.testing.assert_array_equal(table, getattr(switched_off.arrays, name), err_msg=name)


def test_fatigue_that_has_no_effect_leaves_sessions_bit_equal_to_classic(small_catalog: Catalog) -> None:
    tired = Scenario.load("classic").replace({"user.fatigue": {"levels": 5, "gain": {"short": [0, 2], "long": [1, 3]}}})
    ads = np.random.default_rng(0).integers(0, 6, (50, 16))
    trajectories = []
    for scenario in ("classic", tired):
        envs = SessionVectorEnv(16, scenario, small_catalog)
        envs.reset(seed=3)
        trajectories.append([envs.step(row)[:2] for row in ads])
    for one, other in zip(*trajectories, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_the_largest_reward_holds_in_every_phase_and_survives_json(small_catalog: Catalog) -> None:
    drift = [{"from_session": 3, "set": {"ads.*.long.reward": {"scale": 5}}}]
    spec = Tables.compile(Scenario.load("classic").replace({"drift": drift}), small_catalog).spec
    assert spec.largest_reward == 15
    assert SessionSpec.from_dict(json.loads(json.dumps(spec.to_dict()))).largest_reward == 15
