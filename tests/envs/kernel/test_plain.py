"""The kernel plays the sessions of docs/model.md with the dice of docs/dice.md, slot by slot."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from preroll.envs.kernel import layout, step
from preroll.envs.model.tables import Tables
from preroll.envs.policies.policy import Policy, axes
from preroll.envs.policies.rollout import rollout
from preroll.envs.scenario.scenario import Scenario
from preroll.envs.session import SessionEnv
from preroll.envs.vector import SessionVectorEnv
from preroll.perception.catalog.catalog import Catalog
from tests.conftest import make_catalog
from tests.envs.every_mechanism import EVERYTHING
from tests.envs.plain_model import ACTION, Moment, PlainSlot, die, observation, place_of, play
from tests.envs.tiny import ALL_SHOWN, TWO_SEGMENTS, TWO_SLOTS, three_videos, tiny

#: With and without leaving, segments, drift, ten neighbours of every video, and parts of the observation.
WORLDS: dict[str, tuple[Scenario, Catalog]] = {
    "everything": (EVERYTHING, make_catalog()),
    "tiny": (tiny({**TWO_SLOTS, **TWO_SEGMENTS, **ALL_SHOWN}), three_videos()),
    "no jumps": (tiny({"session.horizon": 6, "recommender.jump": 0}), three_videos()),
    "jumps": (tiny({"session.horizon": 6, "recommender.jump": 1, "user.leave.hazard": {}}), three_videos()),
    "classic": (Scenario.load("classic"), make_catalog()),
    "predicted": (Scenario.load("classic").replace({"observe.category": "predicted"}), make_catalog(12)),
    "fatigue": (Scenario.load("fatigue"), make_catalog(11)),
    "published": (Scenario.load("published"), make_catalog(13)),
    "one ad": (
        Scenario.load("classic").replace({"observe.content": False, "observe.progress": False}),
        make_catalog(),
    ),
}
ALONE = {"observe.content": False, "observe.progress": False, "observe.category": "none"}
WORLDS |= {
    f"{part} alone": (tiny({**ALONE, f"observe.{part}": True}), three_videos())
    for part in ("progress", "last_ad", "last_view", "fatigue", "memorability")
}
MANY = 16_400  # videos whose records are touched before they are read
WORLDS["many videos"] = (
    tiny({"session.horizon": 5}),
    Catalog.from_arrays(
        categories=("cats", "dogs"),
        category=np.arange(MANY) % 2,
        neighbors=(np.arange(MANY)[:, None] + np.arange(1, 11)) % MANY,
        importance=np.zeros((MANY, 1)),
        classes=("cat",),
    ),
)
Choose = Callable[[int], Callable[[Moment], int]]  # the ad of a moment, by number of the session


def some_ads(n_actions: int) -> Choose:
    """Ads that depend on the session, the slot and the last one, which now and then is shown again."""
    return lambda session: lambda at: (at.last if at.slot % 3 == 2 else session * 7 + at.slot * 5) % n_actions


@pytest.mark.parametrize("name", WORLDS)
def test_a_session_is_that_of_the_plain_model(name: str) -> None:
    scenario, catalog = WORLDS[name]
    tables = Tables.compile(scenario, catalog)
    env, choose = SessionEnv(tables=tables), some_ads(tables.n_actions)
    for seed in (3, 2**63):
        for session in range(6):
            seen, _ = env.reset(seed=seed) if session == 0 else env.reset()
            slots = play(scenario, catalog, seed, session, choose(session))
            for slot in slots:
                np.testing.assert_array_equal(seen, observation(scenario, catalog, slot.at))
                seen, *told, info = env.step(slot.action)
                assert_told(slot, scenario, told, info, catalog)
            np.testing.assert_array_equal(seen, observation(scenario, catalog, slots[-1].after))


def assert_told(slot: PlainSlot, scenario: Scenario, told: list[Any], info: dict[str, Any], catalog: Catalog) -> None:
    """Reward, both ends and the infos of a step are those of the slot."""
    reward, left, horizon = told
    at, answer = slot.at, slot.answer
    assert reward == pytest.approx(answer.reward, abs=1e-12)
    assert (left, horizon) == (slot.left, slot.after.slot == scenario.n_slots and not slot.left)
    expected = {"video": at.video, "category": int(catalog.category[at.video]), "ad": slot.action}
    assert {field: info[field] for field in expected} == expected
    assert info["viewed"] == bool(answer.viewed)
    assert info["view_probability"] == pytest.approx(slot.view, abs=1e-12)
    assert info["expected_reward"] == pytest.approx(slot.view * slot.pay, abs=1e-12)


@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP])
@pytest.mark.parametrize("name", ["everything", "tiny", "fatigue", "one ad"])
def test_every_lane_plays_session_after_session(name: str, mode: AutoresetMode) -> None:
    """More lanes than a block of the kernel has, so that there are two."""
    scenario, catalog = WORLDS[name]
    tables, lanes, steps = Tables.compile(scenario, catalog), 258, 25
    choose, envs = some_ads(tables.n_actions), SessionVectorEnv(lanes, tables=tables, autoreset_mode=mode)
    seen, _ = envs.reset(seed=9)
    expected = [lane_of(scenario, catalog, 9 + lane, choose, mode, steps) for lane in (0, 1, 255, 256, 257)]
    for number in range(steps):
        ads = np.zeros(lanes, np.int64)
        ads[[0, 1, 255, 256, 257]] = [lane[number][0] for lane in expected]
        seen, rewards, left, horizon, infos = envs.step(ads)
        for lane, told in zip((0, 1, 255, 256, 257), expected, strict=True):
            _, reward, ended, sight, final, video = told[number]
            assert rewards[lane] == pytest.approx(reward, abs=1e-12)
            assert (left[lane], horizon[lane]) == ended
            assert infos["video"][lane] == video
            np.testing.assert_array_equal(seen[lane], sight)
            if final is not None:
                assert infos["_final_obs"][lane]
                np.testing.assert_array_equal(infos["final_obs"][lane], final)
            elif "_final_obs" in infos:
                assert not infos["_final_obs"][lane]


@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP])
def test_a_step_returns_how_many_sessions_ended_or_refuses_what_is_no_ad(mode: AutoresetMode) -> None:
    tables = Tables.compile(*WORLDS["tiny"])
    envs = SessionVectorEnv(9, tables=tables, autoreset_mode=mode)
    envs.reset(seed=2)
    for _ in range(12):
        buffer = envs._new_buffer()
        ended = step.step(np.ones(9, np.int64), *buffer.arguments)
        _, _, terminated, truncated = buffer.returned
        assert ended == (terminated | truncated).sum()
    before = envs._lanes.state.copy()
    for wrong in (-1, 3):
        assert step.step(np.array([0] * 8 + [wrong]), *envs._new_buffer().arguments) == -1
    np.testing.assert_array_equal(envs._lanes.state, before)
    assert step.step(np.array([0] * 8 + [2]), *envs._new_buffer().arguments) >= 0


Told = tuple[int, float, tuple[bool, bool], NDArray[np.float32], NDArray[np.float32] | None, int]


def lane_of(
    scenario: Scenario, catalog: Catalog, seed: int, choose: Choose, mode: AutoresetMode, steps: int
) -> list[Told]:
    """What a lane is told in every step: its action, reward, ends, observation, final observation, and its video."""
    told: list[Told] = []
    session, same = 0, mode is AutoresetMode.SAME_STEP
    while len(told) < steps:
        slots = play(scenario, catalog, seed, session, choose(session))
        first = play(scenario, catalog, seed, session + 1, choose(session + 1))[0].at
        for slot in slots:
            over = slot is slots[-1]
            ends = (slot.left, over and not slot.left)
            after = observation(scenario, catalog, slot.after)
            begins = observation(scenario, catalog, first)
            sight, final = (begins, after) if over and same else (after, None)
            told.append((slot.action, slot.answer.reward, ends, sight, final, slot.at.video))
        if not same:
            told.append((0, 0.0, (False, False), begins, None, first.video))
        session += 1
    return told


def test_many_videos_are_more_than_caches_hold() -> None:
    assert Tables.compile(*WORLDS["many videos"]).packed.records.size > layout.LARGE
    assert Tables.compile(*WORLDS["everything"]).packed.records.size <= layout.LARGE


def test_the_last_action_of_a_rollout_takes_what_rounding_leaves() -> None:
    """Probabilities that add up to a half: the rest is the last one's."""
    tables = Tables.compile(*WORLDS["tiny"])
    table = np.array([0.25, 0.125, 0.125])
    told = rollout(tables, Policy(probabilities=table), seed=1, lanes=40, sessions_per_lane=3)
    whole = rollout(tables, Policy(probabilities=np.array([0.25, 0.125, 0.625])), seed=1, lanes=40, sessions_per_lane=3)
    assert told.by_ad.tolist() == whole.by_ad.tolist()
    assert told.by_ad[:, 2].sum() > told.by_ad[:, :2].sum()


@pytest.mark.parametrize("sampled", [False, True])
@pytest.mark.parametrize("name", ["everything", "tiny", "fatigue"])
def test_a_rollout_plays_the_sessions_of_its_policy(name: str, sampled: bool) -> None:
    """Lanes that are done early give their place to others, here in two blocks."""
    scenario, catalog = WORLDS[name]
    tables = Tables.compile(scenario, catalog)
    rng, lanes, sessions = np.random.default_rng(4), 260, 4
    shape = axes(tables)
    table = rng.random((*shape, tables.n_actions)) * (rng.random((*shape, tables.n_actions)) < 0.6) + 1e-9
    table /= table.sum(axis=-1, keepdims=True)
    policy = Policy(probabilities=table) if sampled else Policy(ads=table.argmax(axis=-1))
    told = rollout(tables, policy, seed=21, lanes=lanes, sessions_per_lane=sessions)
    starts = [start for start, _ in scenario.phases]
    for lane in (0, 1, 2, 100, 255, 256, 259):
        by_ad = np.zeros(tables.n_actions, int)
        for session in range(sessions):
            phase, seed = sum(start <= session for start in starts) - 1, 21 + lane

            def choose(at: Moment, phase: int = phase, seed: int = seed, session: int = session) -> int:
                chances = table[(phase, *at)]
                u = die(seed, session, at.slot, ACTION)
                return place_of(u, list(chances)) if sampled else int(chances.argmax())

            slots = play(scenario, catalog, seed, session, choose)
            np.add.at(by_ad, [slot.action for slot in slots], 1)
            assert told.revenue[lane, session] == pytest.approx(sum(slot.answer.reward for slot in slots), abs=1e-9)
            assert told.slots[lane, session] == len(slots)
            assert told.views[lane, session] == sum(slot.answer.viewed for slot in slots)
            assert told.terminated[lane, session] == slots[-1].left
        assert told.by_ad[lane].tolist() == by_ad.tolist()
