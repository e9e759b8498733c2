"""What other libraries look for: seeds of any type, time limits, specs in JSON, keys, pictures, mapped settings."""

import json
import re
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import preroll  # noqa: F401  (registers the environment)
from preroll.envs import Scenario, SessionEnv, SessionVectorEnv, Tables
from preroll.envs.model import compiled
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog

ID = "preroll/Session-v0"


@pytest.mark.parametrize(
    "seed",
    [
        5,
        np.int64(5),
        np.uint8(5),
        np.array(5),
        [5, 6, 7],
        (5, 6, 7),
        range(5, 8),
        np.array([5, 6, 7]),
        [np.int32(5), 6, np.int64(7)],
        torch.tensor(5),
        torch.tensor([5, 6, 7]),
    ],
    ids=repr,
)
def test_seeds_of_every_type_start_the_same_sessions(seed: Any, small_catalog: Catalog) -> None:
    envs, other = (SessionVectorEnv(3, "classic", small_catalog) for _ in range(2))
    np.testing.assert_array_equal(envs.reset(seed=seed)[0], other.reset(seed=5)[0])
    np.testing.assert_array_equal(envs.reset(seed=seed)[0], other.reset(seed=5)[0])
    if np.ndim(seed) == 0:
        one, two = (SessionEnv("classic", small_catalog) for _ in range(2))
        np.testing.assert_array_equal(one.reset(seed=seed)[0], two.reset(seed=5)[0])


@pytest.mark.parametrize("seed", [1.0, "1", [1, 2.0, 3], [1, [2, 3], 4], np.array([1.0, 2.0, 3.0])], ids=repr)
def test_a_seed_that_is_no_whole_number_is_refused(seed: Any, small_catalog: Catalog) -> None:
    with pytest.raises(PrerollError, match=r"seed: .*: a whole number from 0 is expected"):
        SessionVectorEnv(3, "classic", small_catalog).reset(seed=seed)
    with pytest.raises(PrerollError, match="a whole number from 0 is expected"):
        SessionEnv("classic", small_catalog).reset(seed=seed)


def test_a_reset_of_no_lane_is_refused_as_gymnasium_does(small_catalog: Catalog) -> None:
    envs = SessionVectorEnv(3, "classic", small_catalog)
    envs.reset(seed=1)
    with pytest.raises(PrerollError, match="reset_mask: all False: at least one lane is expected"):
        envs.reset(options={"reset_mask": np.zeros(3, bool)})
    assert envs.sessions_started.tolist() == [0, 0, 0]


def test_an_argument_that_is_none_is_a_value_error_as_for_gymnasiums_callers(small_catalog: Catalog) -> None:
    envs = SessionVectorEnv(2, scenario="classic", catalog=small_catalog)
    for wrong in ({"seed": [1, 2, 3]}, {"seed": -1}, {"options": {"reset_mask": np.zeros(2, np.bool_)}}):
        with pytest.raises(ValueError, match=r"seed|reset_mask"):
            envs.reset(**wrong)
    with pytest.raises(ValueError, match="num_envs"):
        SessionVectorEnv(0, scenario="classic", catalog=small_catalog)


def test_the_autoreset_mode_is_an_attribute(small_catalog: Catalog) -> None:
    """TorchRL's GymWrapper reads it."""
    for mode in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP):
        assert SessionVectorEnv(2, "classic", small_catalog, autoreset_mode=mode).autoreset_mode is mode
        assert SessionVectorEnv(2, "classic", small_catalog, autoreset_mode=mode.value).autoreset_mode is mode


@pytest.mark.parametrize("limit", [1, 3, 40, 41, -1])
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_a_time_limit_is_that_of_gymnasium(limit: int, mode: AutoresetMode, small_catalog: Catalog) -> None:
    tables = Tables.compile("fatigue", small_catalog)
    settings: dict[str, Any] = {"num_envs": 16, "max_episode_steps": limit}
    ours = gym.make_vec(ID, tables=tables, autoreset_mode=mode, **settings)
    theirs = gym.make_vec(
        ID, tables=tables, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode}, **settings
    )
    assert isinstance(ours, SessionVectorEnv)
    assert isinstance(theirs, SyncVectorEnv)
    ours.reset(seed=4)
    theirs.reset(seed=4)
    both = 0
    for step in range(130):
        ads = np.full(16, step % tables.n_actions)
        returned = ours.step(ads)
        for one, other in zip(returned[:4], theirs.step(ads)[:4], strict=True):
            np.testing.assert_array_equal(one, other)
        both += (returned[2] & returned[3]).sum()
    assert both > 0 or limit in (40, 41, -1)  # users who left in the last slot that they had


@pytest.mark.parametrize("wrong", [0, -2, True, 1.5, float("nan"), "3", [3], np.True_, np.float64(2)], ids=repr)
def test_a_number_of_lanes_or_slots_that_is_none_is_refused(wrong: Any, small_catalog: Catalog) -> None:
    """A bug once: True, a text and a float ended in whatever error came first, and 1.5 slots were accepted."""
    with pytest.raises(PrerollError, match=rf"max_episode_steps: {re.escape(repr(wrong))}: at least 1, None or -1"):
        SessionVectorEnv(2, "classic", small_catalog, max_episode_steps=wrong)
    with pytest.raises(PrerollError, match=rf"num_envs: {re.escape(repr(wrong))}: at least 1 lane is needed"):
        SessionVectorEnv(wrong, "classic", small_catalog)


@pytest.mark.parametrize("mode", ["next_step", None, 1, "Disabled", AutoresetMode.DISABLED], ids=repr)
def test_another_autoreset_mode_is_refused(mode: Any, small_catalog: Catalog) -> None:
    with pytest.raises(PrerollError, match=r"autoreset_mode: .*: only NextStep and SameStep are allowed"):
        SessionVectorEnv(2, "classic", small_catalog, autoreset_mode=mode)


def test_the_spec_says_how_long_a_session_is(small_catalog: Catalog) -> None:
    env, envs = (make(ID, scenario="fatigue", catalog=small_catalog) for make in (gym.make, gym.make_vec))
    limits: tuple[Any, ...] = (7, np.int64(7), -1, 10**6)
    limited = [gym.make_vec(ID, scenario="fatigue", catalog=small_catalog, max_episode_steps=limit) for limit in limits]
    slots_of = zip((env, env.unwrapped, envs, *limited), (40, 40, 40, 7, 7, 40, 40), strict=True)
    for made, slots in slots_of:
        assert made.spec is not None
        assert made.spec.max_episode_steps == slots
    assert gym.spec(ID).max_episode_steps is None
    assert SessionEnv("classic", small_catalog).spec is None


@pytest.mark.parametrize("by_tables", [False, True])
def test_a_spec_with_objects_is_json_that_makes_the_same(by_tables: bool) -> None:
    scenario = Scenario.load("fatigue").replace({"user.mismatch": 0.25})
    objects = {"tables": Tables.compile(scenario)} if by_tables else {"scenario": scenario, "catalog": Catalog.load()}
    env = gym.make(ID, **objects)
    assert env.spec is not None
    text = env.spec.to_json()
    assert json.loads(text)["kwargs"]["scenario"]["user"]["mismatch"] == 0.25
    again = gym.make(EnvSpec.from_json(text))
    assert again.unwrapped.tables.scenario == scenario  # type: ignore[attr-defined]
    np.testing.assert_array_equal(env.reset(seed=3)[0], again.reset(seed=3)[0])
    envs = gym.make_vec(ID, num_envs=2, autoreset_mode=AutoresetMode.SAME_STEP, **objects)
    assert envs.spec is not None
    assert gym.make_vec(EnvSpec.from_json(envs.spec.to_json())).autoreset_mode is AutoresetMode.SAME_STEP  # type: ignore[attr-defined]


def test_a_spec_with_numbers_of_numpy_is_json() -> None:
    scenario = Scenario.load("fatigue").model_dump(mode="json")
    scenario["user"]["mismatch"] = np.float64(0.25)
    two: Any = np.int64(2)
    envs: Any = gym.make_vec(ID, num_envs=two, scenario=scenario, max_episode_steps=np.int64(9))
    assert envs.spec is not None
    again: Any = gym.make_vec(EnvSpec.from_json(envs.spec.to_json()))
    assert again.tables.scenario == envs.tables.scenario
    np.testing.assert_array_equal(again.reset(seed=1)[0], envs.reset(seed=1)[0])


def test_a_catalog_in_memory_stays_in_the_spec(small_catalog: Catalog) -> None:
    env = gym.make(ID, catalog=small_catalog)
    assert env.spec is not None
    assert gym.make(env.spec).unwrapped.tables.catalog.sha256 == small_catalog.sha256  # type: ignore[attr-defined]


def test_every_action_has_a_key() -> None:
    env = gym.make(ID, scenario="fatigue")
    keys = env.get_wrapper_attr("get_keys_to_action")()
    assert {"".join(map(chr, key)): action for key, action in keys.items()} == {
        "1": 0, "2": 1, "3": 2, "4": 3, "5": 4, "6": 5, "7": 6
    }  # fmt: skip


@pytest.mark.parametrize("render_mode", ["ansi", "rgb_array"])
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_lanes_are_drawn_as_gymnasiums_vector_environment_draws_them(
    mode: AutoresetMode, render_mode: str, small_catalog: Catalog
) -> None:
    tables = Tables.compile("fatigue", small_catalog)
    ours: Any = SessionVectorEnv(3, tables=tables, autoreset_mode=mode, render_mode=render_mode)
    theirs: Any = SyncVectorEnv([lambda: SessionEnv(tables=tables, render_mode=render_mode)] * 3, autoreset_mode=mode)
    with pytest.raises(PrerollError, match="call reset"):
        ours.render()
    for envs in (ours, theirs):
        envs.reset(seed=1)
    for step in range(40):
        for envs in (ours, theirs):
            envs.step(np.array([0, 1, step % 7]))
            if step % 15 == 14:
                envs.reset(options={"reset_mask": np.array([True, False, False])})
        if render_mode == "ansi" or step % 10 == 0:
            for one, other in zip(ours.render(), theirs.render(), strict=True):
                np.testing.assert_array_equal(one, other)
    assert SessionVectorEnv(3, tables=tables).render() is None
    with pytest.raises(PrerollError, match="render_mode: 'human'"):
        SessionVectorEnv(3, tables=tables, render_mode="human")


class EnvContext(dict[str, Any]):
    """As RLlib's: a mapping of settings with the number of its worker."""

    worker_index = 0


@pytest.mark.parametrize(
    "config",
    [{}, {"scenario": "fatigue"}, EnvContext(), EnvContext(name="mine"), {"scenario": "fatigue", "workers": 2}],
    ids=repr,
)
def test_a_mapping_of_settings_in_place_of_a_scenario_is_answered_by_what_to_write(config: Any) -> None:
    for make in (SessionEnv, SessionVectorEnv, lambda given: SessionVectorEnv(2, given)):
        with pytest.raises(
            PrerollError, match=r"such as RLlib's env_config: unpack it, .* SessionEnv\(\*\*env_config\)"
        ):
            make(config)


def test_environments_of_the_same_contents_share_their_tables(tmp_path: Path) -> None:
    assert SessionEnv("fatigue").tables is SessionVectorEnv(2, Scenario.load("fatigue"), "demo").tables
    assert SessionEnv("fatigue").tables is not SessionEnv("classic").tables
    assert Tables.compile("fatigue") is not Tables.compile("fatigue")
    file = tmp_path / "mine.yaml"
    file.write_text(Scenario.load("fatigue").dump(), encoding="utf8")
    first = SessionEnv(file).tables
    assert SessionEnv(str(file)).tables is first
    file.write_text(file.read_text(encoding="utf8").replace("mismatch: 0.4", "mismatch: 0.3"), encoding="utf8")
    assert SessionEnv(file).tables.scenario.user.mismatch == 0.3
    assert first.scenario.user.mismatch == 0.4


def test_what_environments_share_cannot_be_written_to() -> None:
    """A bug once: whoever wrote into the tables of one environment changed all later ones."""
    shared = SessionEnv("fatigue").tables
    for array in (*shared.packed, *shared.arrays, shared.category, shared.neighbors, shared.kind):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0
    own = Tables.compile("fatigue")
    own.category[:] = 0
    assert SessionEnv(tables=own).reset(seed=1)[1]["category"] == 0
    assert SessionVectorEnv(9, tables=own).reset(seed=1)[1]["category"].tolist() == [0] * 9


def test_few_tables_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for mismatch in np.linspace(0.1, 0.9, 2 * compiled.MOST):
        SessionEnv(Scenario.load("classic").replace({"user.mismatch": float(mismatch)}))
    assert max(len(kept) for kept in compiled._KEPT.values()) <= compiled.MOST
    monkeypatch.setattr(compiled, "LARGEST", 1)
    rare = Scenario.load("classic").replace({"user.mismatch": 0.123})
    assert SessionEnv(rare).tables is not SessionEnv(rare).tables
