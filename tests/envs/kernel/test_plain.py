"""The kernel plays the sessions of docs/model.md with the dice of docs/dice.md, slot by slot and to the last bit."""

from collections.abc import Callable
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from preroll.envs.infos.entries import of_slots
from preroll.envs.kernel import layout, step
from preroll.envs.model.tables import Tables
from preroll.envs.policies.policy import Policy, axes
from preroll.envs.policies.rollout import rollout
from preroll.envs.scenario.scenario import Scenario
from preroll.envs.session import SessionEnv
from preroll.envs.vector import SessionVectorEnv
from preroll.perception.catalog.catalog import Catalog
from tests.envs.plain_model import Moment, observation
from tests.envs.plain_session import ACTION, PlainSlot, die, one_of, play
from tests.envs.tiny import three_videos, tiny
from tests.envs.worlds import WORLDS

Choose = Callable[[int], Callable[[Moment], int]]  # the ad of a moment, by number of the session


def some_ads(n_actions: int) -> Choose:
    """Ads that depend on the session, the slot and the last one, which now and then is shown again."""
    return lambda session: lambda at: (at.last if at.slot % 3 == 2 else session * 7 + at.slot * 5) % n_actions


@pytest.mark.parametrize("name", WORLDS)
def test_a_session_is_that_of_the_plain_model(name: str) -> None:
    """The first sessions of two streams, and those around every change of drift."""
    scenario, catalog = WORLDS[name]
    tables = Tables.compile(scenario, catalog)
    env, choose = SessionEnv(tables=tables), some_ads(tables.n_actions)
    starts = [start for start, _ in scenario.phases]
    for seed in (3, 2**63):
        for session in range(max(6, starts[-1] + 1)):
            seen, _ = env.reset(seed=seed) if session == 0 else env.reset()
            if session >= 6 and not {session, session + 1} & {*starts}:
                continue
            slots = play(scenario, catalog, seed, session, choose(session))
            for slot in slots:
                np.testing.assert_array_equal(seen, observation(scenario, catalog, slot.at))
                seen, *returned = env.step(slot.action)
                assert tuple(returned) == told(slot, scenario, catalog)
            np.testing.assert_array_equal(seen, observation(scenario, catalog, slots[-1].after))


def told(slot: PlainSlot, scenario: Scenario, catalog: Catalog) -> tuple[float, bool, bool, dict[str, Any]]:
    """Reward, both ends and the infos of the step that plays the slot."""
    at, viewed = slot.at, bool(slot.answer.viewed)
    info = {
        "video": at.video,
        "category": int(catalog.category[at.video]),
        "ad": slot.action,
        "viewed": viewed,
        "view_probability": slot.view,
        "expected_reward": slot.pay * slot.view,
    }
    watched = {} if slot.watched is None else {"watched": slot.watched}
    horizon = slot.after.slot == scenario.n_slots and not slot.left
    return slot.answer.reward, slot.left, horizon, info | watched


@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP])
@pytest.mark.parametrize("name", ["everything", "all at once", "tiny", "fatigue", "published", "one ad"])
def test_every_lane_plays_session_after_session(name: str, mode: AutoresetMode) -> None:
    """More lanes than a block of the kernel has, so that there are two."""
    scenario, catalog = WORLDS[name]
    tables, lanes, steps = Tables.compile(scenario, catalog), 258, 25
    choose, envs = some_ads(tables.n_actions), SessionVectorEnv(lanes, tables=tables, autoreset_mode=mode)
    envs.reset(seed=9)
    expected = {lane: lane_of(scenario, catalog, 9 + lane, choose, mode, steps) for lane in (0, 1, 255, 256, 257)}
    for number in range(steps):
        ads = np.zeros(lanes, np.int64)
        ads[[*expected]] = [max(0, returned[number].told[3]["ad"]) for returned in expected.values()]
        seen, *returned, given = envs.step(ads)
        infos = {**given, **of_slots(given)}
        for lane, all_steps in expected.items():
            own = all_steps[number]
            info = {key: infos[key][lane] for key in own.told[3]}
            np.testing.assert_equal((*(values[lane] for values in returned), info), own.told)
            np.testing.assert_array_equal(seen[lane], own.seen)
            if own.final is not None:
                assert infos["_final_obs"][lane]
                np.testing.assert_array_equal(infos["final_obs"][lane], own.final)
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
    before = envs._lanes.state
    for wrong in (-1, 3):
        assert step.step(np.array([0] * 8 + [wrong]), *envs._new_buffer().arguments) == -1
    np.testing.assert_array_equal(envs._lanes.state, before)
    assert step.step(np.array([0] * 8 + [2]), *envs._new_buffer().arguments) >= 0


class Returned(NamedTuple):
    """What a step returns of one lane."""

    told: tuple[float, bool, bool, dict[str, Any]]
    seen: NDArray[np.float32]
    final: NDArray[np.float32] | None


def lane_of(
    scenario: Scenario, catalog: Catalog, seed: int, choose: Choose, mode: AutoresetMode, steps: int
) -> list[Returned]:
    """What every step returns of a lane, session after session."""
    returned: list[Returned] = []
    session, same = 0, mode is AutoresetMode.SAME_STEP
    while len(returned) < steps:
        slots = play(scenario, catalog, seed, session, choose(session))
        first = play(scenario, catalog, seed, session + 1, choose(session + 1))[0]
        begins = observation(scenario, catalog, first.at)
        for slot in slots:
            over, after = slot is slots[-1], observation(scenario, catalog, slot.after)
            seen, final = (begins, after) if over and same else (after, None)
            returned.append(Returned(told(slot, scenario, catalog), seen, final))
        if not same:
            *_, info = told(first, scenario, catalog)
            nothing = {"ad": -1, "viewed": False, **dict.fromkeys([*info][4:], np.nan)}
            returned.append(Returned((0.0, False, False, info | nothing), begins, None))
        session += 1
    return returned


def test_many_videos_are_more_than_caches_hold() -> None:
    assert Tables.compile(*WORLDS["many videos"]).packed.records.size > layout.LARGE
    assert Tables.compile(*WORLDS["everything"]).packed.records.size <= layout.LARGE


def test_the_last_action_of_a_rollout_takes_what_rounding_leaves() -> None:
    """Probabilities that add up to a half, which no policy takes: the rest is the last one's."""
    tables = Tables.compile(*WORLDS["tiny"])
    half = Policy(probabilities=np.array([0.25, 0.125, 0.625]))
    object.__setattr__(half, "probabilities", np.array([0.25, 0.125, 0.125]))
    told = rollout(tables, half, seed=1, lanes=40, sessions_per_lane=3)
    whole = rollout(tables, Policy(probabilities=np.array([0.25, 0.125, 0.625])), seed=1, lanes=40, sessions_per_lane=3)
    assert told.by_ad.tolist() == whole.by_ad.tolist()
    assert told.by_ad[:, 2].sum() > told.by_ad[:, :2].sum()


@pytest.mark.parametrize("sampled", [False, True])
@pytest.mark.parametrize("name", ["everything", "all at once", "fatigue"])
def test_a_rollout_plays_the_sessions_of_its_policy(name: str, sampled: bool) -> None:
    """Lanes that are done early give their place to others, here in two blocks."""
    scenario, catalog = WORLDS[name]
    tables = Tables.compile(scenario, catalog)
    rng, lanes, sessions = np.random.default_rng(4), 260, 4
    shape = axes(tables)
    table = rng.random((*shape, tables.n_actions)) * (rng.random((*shape, tables.n_actions)) < 0.6) + 1e-9
    table /= table.sum(axis=-1, keepdims=True)
    policy = Policy(probabilities=table) if sampled else Policy(ads=table.argmax(axis=-1))
    played = rollout(tables, policy, seed=21, lanes=lanes, sessions_per_lane=sessions)
    starts = [start for start, _ in scenario.phases]
    for lane in (0, 1, 2, 100, 255, 256, 259):
        by_ad = np.zeros(tables.n_actions, int)
        for session in range(sessions):
            phase, seed = sum(start <= session for start in starts) - 1, 21 + lane

            def choose(at: Moment, phase: int = phase, seed: int = seed, session: int = session) -> int:
                chances = table[(phase, *at)]
                u = die(seed, session, at.slot, ACTION)
                return one_of(u, list(accumulate(chances))) if sampled else int(chances.argmax())

            slots = play(scenario, catalog, seed, session, choose)
            np.add.at(by_ad, [slot.action for slot in slots], 1)
            # Slot by slot: since Python 3.12 the sum of floats is a compensated one.
            assert played.revenue[lane, session] == [0.0, *accumulate(slot.answer.reward for slot in slots)][-1]
            assert played.slots[lane, session] == len(slots)
            assert played.views[lane, session] == sum(slot.answer.viewed for slot in slots)
            assert played.terminated[lane, session] == slots[-1].left
        assert played.by_ad[lane].tolist() == by_ad.tolist()


def test_a_rollout_is_100_sessions_in_each_of_1000_lanes() -> None:
    tables = Tables.compile(tiny(), three_videos())
    played = rollout(tables, Policy(ads=np.array([0])), seed=0)
    assert played.revenue.shape == (1000, 100)
