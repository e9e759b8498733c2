import pickle
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor

from preroll.agents.interop.sb3_vec_env import PrerollVecEnv
from preroll.envs import SessionEnv, SessionVectorEnv, Tables
from preroll.errors import PrerollError


def adapter(tables: Tables, lanes: int = 8) -> PrerollVecEnv:
    return PrerollVecEnv(SessionVectorEnv(lanes, tables=tables, copy=False, autoreset_mode=AutoresetMode.SAME_STEP))


def test_it_plays_the_sessions_of_the_native_environment(fatigue: Tables) -> None:
    native = SessionVectorEnv(8, tables=fatigue, autoreset_mode=AutoresetMode.SAME_STEP)
    wrapped = adapter(fatigue)
    wrapped.seed(11)
    expected, _ = native.reset(seed=11)
    first: Any = wrapped.reset()
    assert np.array_equal(first, expected)
    rng = np.random.default_rng(0)
    for _ in range(60):
        ads = rng.integers(fatigue.n_actions, size=8)
        following, rewards, terminated, truncated, told = native.step(ads)
        observed, paid, dones, infos = wrapped.step(ads)
        assert isinstance(observed, np.ndarray)
        assert np.array_equal(observed, following)
        assert np.array_equal(paid, rewards.astype(np.float32))
        assert np.array_equal(dones, terminated | truncated)
        for lane, info in enumerate(infos):
            if not dones[lane]:
                assert info == {}
                continue
            assert np.array_equal(info["terminal_observation"], told["final_obs"][lane])
            assert info["TimeLimit.truncated"] == truncated[lane]
            final = told["final_info"]
            assert info.keys() == {"terminal_observation", "TimeLimit.truncated", *(k for k in final if k[0] != "_")}
            assert info["ad"] == ads[lane]
            assert type(info["viewed"]) is bool
            assert info["view_probability"] == final["view_probability"][lane]


def test_observations_stay_what_they_were_while_the_environment_goes_on(classic: Tables) -> None:
    wrapped = adapter(classic)
    wrapped.seed(0)
    kept: list[Any] = [wrapped.reset(), *(wrapped.step(np.zeros(8, dtype=np.int64))[0] for _ in range(4))]
    copies = [np.array(observations) for observations in kept]
    for _ in range(30):
        wrapped.step(np.ones(8, dtype=np.int64))
    assert all(np.array_equal(a, b) for a, b in zip(kept, copies, strict=True))


def test_what_is_written_to_an_info_is_gone_in_the_next_step(classic: Tables) -> None:
    wrapped = adapter(classic)
    wrapped.reset()
    infos = wrapped.step(np.zeros(8, dtype=np.int64))[3]
    infos[3]["note"] = "a wrapper's"
    assert wrapped.step(np.zeros(8, dtype=np.int64))[3] == [{} for _ in range(8)]
    assert infos[3] == {"note": "a wrapper's"}


def test_untouched_ppo_and_dqn_learn_on_it(classic: Tables) -> None:
    wrapped = VecMonitor(adapter(classic))
    model = PPO("MlpPolicy", wrapped, n_steps=40, batch_size=80, n_epochs=2, seed=0, device="cpu").learn(640)
    assert model.ep_info_buffer
    assert {info["l"] for info in model.ep_info_buffer} == {20}
    DQN("MlpPolicy", wrapped, learning_starts=100, buffer_size=1_000, seed=0, device="cpu").learn(200)


def test_a_number_of_lanes_makes_its_own_environment(classic: Tables) -> None:
    made, given = (
        PrerollVecEnv(5, tables=classic),
        PrerollVecEnv(SessionVectorEnv(5, tables=classic, autoreset_mode="SameStep")),
    )
    for one in (made, given):
        one.seed(3)
    np.testing.assert_array_equal(made.reset(), given.reset())
    assert (made.num_envs, made.envs.metadata["autoreset_mode"]) == (5, AutoresetMode.SAME_STEP)
    assert PrerollVecEnv(np.int64(2), scenario="fatigue").envs.tables.scenario.name == "fatigue"
    for wrong, settings in (("fatigue", {}), (given.envs, {"scenario": "fatigue"}), (given, {})):
        with pytest.raises(PrerollError, match=r"as in PrerollVecEnv\(64, scenario='fatigue'\)"):
            PrerollVecEnv(wrong, **settings)  # type: ignore[arg-type]


def test_infos_of_ended_lanes_are_those_of_their_step_whenever_they_are_read(fatigue: Tables) -> None:
    early, late = (PrerollVecEnv(8, tables=fatigue) for _ in range(2))
    kept: list[dict[str, Any]] = []
    expected: list[dict[str, Any]] = []
    for wrapped in (early, late):
        wrapped.seed(4)
        wrapped.reset()
    for step in range(60):
        ads = np.full(8, step % fatigue.n_actions)
        expected += [deepcopy(info) for info in early.step(ads)[3] if info]
        dones, infos = late.step(ads)[2:]
        kept += [infos[lane] for lane in np.flatnonzero(dones)]
        ads[:] = 0  # actions are the caller's
    assert len(kept) > 10
    assert [{**one, "terminal_observation": None} for one in kept] == [
        {**one, "terminal_observation": None} for one in expected
    ]
    for one, other in zip(kept, expected, strict=True):
        assert np.array_equal(one["terminal_observation"], other["terminal_observation"])


def test_an_info_of_an_ended_lane_passes_as_a_dict(fatigue: Tables) -> None:
    wrapped = PrerollVecEnv(64, tables=fatigue)
    wrapped.seed(5)
    wrapped.reset()

    def ended() -> dict[str, Any]:
        while not (dones := wrapped.step(np.zeros(64, np.int64))[2:])[0].any():
            pass
        return dones[1][int(np.argmax(dones[0]))]

    keys = [
        *("video", "category", "ad", "viewed", "view_probability", "expected_reward"),
        *("terminal_observation", "TimeLimit.truncated"),
    ]
    assert isinstance(ended(), dict)
    assert list(ended()) == list(dict(ended())) == list(ended().copy()) == list({**ended()}) == keys
    assert list(pickle.loads(pickle.dumps(ended()))) == keys
    assert type(ended().copy()) is type(pickle.loads(pickle.dumps(ended()))) is dict
    assert ended()["ad"] == ended().get("ad") == ended().pop("ad") == 0
    assert ("ad" in ended(), "episode" in ended(), ended().get("episode"), len(ended())) == (True, False, None, 8)
    info = ended()
    info["episode"], info["ad"] = {"r": 1.0}, "mine"
    assert (list(info), info["ad"], info["video"] >= 0) == ([*keys, "episode"], "mine", True)
    with pytest.raises(KeyError, match="nothing"):
        ended()["nothing"]


def test_the_trees_of_torch_go_into_an_info_of_an_ended_lane(fatigue: Tables) -> None:
    from torch.utils import _pytree as trees

    wrapped, other = adapter(fatigue), adapter(fatigue)
    for envs in (wrapped, other):
        envs.seed(1)
        envs.reset()
    dones = np.zeros(8, np.bool_)
    while not dones.any():
        _, _, dones, infos = wrapped.step(np.zeros(8, np.int64))
        *_, expected = other.step(np.zeros(8, np.int64))
    lane = int(np.argmax(dones))
    mapped = trees.tree_map(lambda leaf: leaf, infos[lane])
    assert type(mapped) is dict
    assert list(mapped) == list(expected[lane])
    np.testing.assert_array_equal(mapped.pop("terminal_observation"), expected[lane].pop("terminal_observation"))
    assert mapped == expected[lane]


def test_vec_monitor_finds_the_keywords_of_the_last_slot(fatigue: Tables) -> None:
    """A bug once: the infos of ended lanes had nothing but the last observation, and VecMonitor a KeyError."""
    keywords = ("video", "category", "ad", "viewed", "view_probability", "expected_reward")
    wrapped = VecMonitor(PrerollVecEnv(8, tables=fatigue), info_keywords=keywords)
    wrapped.seed(2)
    wrapped.reset()
    episodes = [info["episode"] for _ in range(60) for info in wrapped.step(np.ones(8, int))[3] if info]
    assert len(episodes) > 10
    assert {key for episode in episodes for key in episode} == {"r", "l", "t", *keywords}
    assert {episode["ad"] for episode in episodes} == {1}


def test_resets_tell_what_those_of_single_environments_tell(fatigue: Tables) -> None:
    native, single = adapter(fatigue, 3), DummyVecEnv([lambda: SessionEnv(tables=fatigue)] * 3)
    for envs in (native, single):
        envs.seed(4)
        envs.reset()
    assert [list(info) for info in native.reset_infos] == [list(info) for info in single.reset_infos]
    assert repr(native.reset_infos) == repr(single.reset_infos)  # where NaN is NaN


def test_lanes_are_rendered_as_a_grid(classic: Tables) -> None:
    wrapped = PrerollVecEnv(3, tables=classic, render_mode="rgb_array")
    wrapped.reset()
    wrapped.step(np.zeros(3, dtype=np.int64))
    picture = wrapped.render("rgb_array")
    assert picture is not None
    assert picture.shape == (720, 1280, 3)
    assert PrerollVecEnv(3, tables=classic).get_images() == [None] * 3


def test_next_step_autoreset_is_refused(classic: Tables) -> None:
    with pytest.raises(PrerollError, match="stable-baselines3 needs 'SameStep'"):
        PrerollVecEnv(SessionVectorEnv(2, tables=classic))


def test_lanes_have_no_attributes_of_their_own(classic: Tables) -> None:
    wrapped = adapter(classic, 3)
    assert wrapped.get_attr("num_envs", [0, 2]) == [3, 3]
    wrapped.set_attr("note", "hello")
    assert wrapped.get_attr("note") == ["hello"] * 3
    with pytest.raises(PrerollError, match="lanes share one vector environment"):
        wrapped.set_attr("note", "hello", [1])
