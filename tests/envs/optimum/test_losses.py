"""What is lost adds up: against brute force, for every preset and policy, with phases, slots and repetition."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from preroll.envs import Explanation, Optimum, Policy, SessionVectorEnv, Tables, preset_names
from preroll.envs.optimum.explanation import AD, CATEGORY, FATIGUE, MAP, SESSION, SLOT, SPLITS, WITHOUT_CATEGORY
from preroll.envs.optimum.losses import groups
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.envs.policies.greedy import greedy_policy
from preroll.envs.policies.simple import random_policy
from preroll.errors import MemoryShortError, PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.system.memory import COMPILED, Limit
from tests.envs.optimum.test_optimum import CHANGES, policy_of, probabilities_of
from tests.envs.plain_model import Moment, PlainModel
from tests.envs.tiny import ALL_SHOWN, three_videos, tiny
from tests.envs.worlds import WORLDS

Lost = dict[tuple[int, int, int, int], float]  # by slot, video, fatigue level and action


def plain_losses(plain: PlainModel, chosen: Callable[[Moment], NDArray[np.float64]]) -> Lost:
    """Occupancy times probability times what the action falls short of the best, moment by moment."""
    known: dict[Moment, list[float]] = {}

    def best(at: Moment, values: list[float]) -> float:
        known[at] = values
        return max(values)

    plain.revenue(best)
    found: Lost = {}
    for segment, share in enumerate(plain.shares):
        mass = dict.fromkeys(plain.starts(segment), share / plain.catalog.n_videos)
        while mass:
            following: dict[Moment, float] = {}
            for at, here in mass.items():
                for action, weight in enumerate(chosen(at)):
                    key = at.slot, at.video, at.level, action
                    short = max(known[at]) - known[at][action]
                    found[key] = found.get(key, 0.0) + here * weight * short
                    for _, chance, moment in plain.after(at, action):
                        if moment.slot < plain.scenario.n_slots:
                            following[moment] = following.get(moment, 0.0) + here * weight * chance
            mass = following
    return found


def summed(lost: Lost, axis: int, length: int) -> list[float]:
    return [sum(value for key, value in lost.items() if key[axis] == i) for i in range(length)]


def assert_adds_up(explanation: Explanation, regret: float) -> None:
    """Every split to the regret, and no part is below 0."""
    assert tuple(explanation.lost) == SPLITS
    for split, parts in explanation.lost.items():
        assert sum(parts.values()) == pytest.approx(regret, abs=1e-9 * explanation.optimum), split
        assert min(parts.values()) >= 0, split


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_every_part_equals_brute_force_on_a_tiny_scenario(changes: dict[str, Any], deterministic: bool) -> None:
    scenario, catalog = tiny(changes), three_videos()
    tables = Tables.compile(scenario, catalog)
    policy, plain = policy_of(tables, 3, deterministic=deterministic), PlainModel(scenario, catalog)
    lost = plain_losses(plain, probabilities_of(policy, tables.n_actions))
    explanation = Optimum(tables).explain(policy)
    by_slot = summed(lost, 0, tables.n_slots)
    expected = {
        FATIGUE: summed(lost, 2, tables.n_levels),
        SLOT: by_slot,
        SESSION: [sum(part) for part in np.array_split(by_slot, 4) if len(part)],
        AD: summed(lost, 3, tables.n_actions),
        CATEGORY: [sum(v for key, v in lost.items() if catalog.category[key[1]] == k) for k in range(2)],
        MAP: [
            sum(v for key, v in lost.items() if (catalog.category[key[1]], key[2]) == (k, f))
            for k in range(2)
            for f in range(tables.n_levels)
        ],
    }
    for split, values in expected.items():
        np.testing.assert_allclose(list(explanation.lost[split].values()), values, atol=1e-12, err_msg=split)


@pytest.mark.compiled
@pytest.mark.parametrize("policy", [random_policy, greedy_policy, "any", "any ad"])
@pytest.mark.parametrize("name", preset_names())
def test_on_a_preset_every_split_adds_up_to_the_regret(name: str, policy: Any, small_catalog: Catalog) -> None:
    """Phases of drift with the weights that `preroll evaluate` gives them."""
    tables = Tables.compile(name, small_catalog)
    played = policy(tables) if callable(policy) else policy_of(tables, 4, deterministic=policy == "any ad", blind=(2,))
    exact = PhasedOptimum(tables, max(2 * int(tables.arrays.phase_start[-1]), 1))
    explanation = exact.explain(played)
    assert explanation.optimum == pytest.approx(exact.optimum, rel=1e-14)
    assert_adds_up(explanation, exact.optimum - exact.value_of(played))
    assert explanation.regret == pytest.approx(exact.optimum - exact.value_of(played), abs=1e-9 * exact.optimum)


@pytest.mark.compiled
@pytest.mark.parametrize("world", ["everything", "all at once"])
def test_with_every_mechanism_on_it_adds_up_too(world: str) -> None:
    """Several slots a video, repetition, segments, recall, phases, and videos without a category."""
    tables = Tables.compile(*WORLDS[world])
    exact, policy = PhasedOptimum(tables, 8), policy_of(tables, 5, deterministic=False)
    assert_adds_up(exact.explain(policy), exact.optimum - exact.value_of(policy))


def test_a_mean_over_phases_has_their_weights(small_catalog: Catalog) -> None:
    tables = Tables.compile("drift", small_catalog)
    policy = greedy_policy(Tables.compile("classic", small_catalog))
    first, second = (Optimum(tables, phase).explain(policy) for phase in range(2))
    mixed = PhasedOptimum(tables, 150).explain(policy)  # 100 sessions of the first phase, 50 of the second
    assert first.regret == pytest.approx(0, abs=1e-12)
    assert second.regret > 0.1
    for split, parts in mixed.lost.items():
        for part, lost in parts.items():
            assert lost == pytest.approx((2 * first.lost[split][part] + second.lost[split][part]) / 3, abs=1e-12)


def test_the_optimum_loses_nothing_and_no_tie_costs_anything(small_catalog: Catalog) -> None:
    for name in ("classic", "fatigue"):
        exact = Optimum(Tables.compile(name, small_catalog))
        assert exact.explain(exact.policy).regret <= 1e-12 * exact.value
    classic = Tables.compile("classic", small_catalog)
    assert Optimum(classic).explain(greedy_policy(classic)).regret <= 1e-12 * Optimum(classic).value


def test_a_decision_is_charged_where_it_was_made() -> None:
    """One bad ad, in the first slot before cats: all is lost there, though the user is tired only later."""
    tables = Tables.compile(tiny({"session.horizon": 4}), three_videos())
    optimum = Optimum(tables)
    best = optimum.policy.ads
    assert best is not None
    ads = np.broadcast_to(best, (1, 1, *best.shape[2:])).copy()
    worst = tables.n_actions - 1 if (ads[0, 0, 0, 0, 0] != tables.n_actions - 1).any() else 0
    ads[0, 0, 0, tables.category == 0] = worst
    explanation = optimum.explain(Policy(ads=ads))
    assert explanation.regret > 0.01
    for split, part in ((SLOT, "1"), (CATEGORY, "cats"), (FATIGUE, "0"), (AD, tables.spec.labels[worst])):
        assert explanation.lost[split][part] == pytest.approx(explanation.regret, rel=1e-12), split


def test_videos_without_a_category_are_one_part() -> None:
    catalog = three_videos((0, -1, -1), [[0.2, 0.8], [0.3, 0.7], [0.6, 0.4]])
    tables = Tables.compile(tiny(), catalog)
    explanation = Optimum(tables).explain(random_policy(tables))
    assert list(explanation.lost[CATEGORY]) == ["cats", "dogs", WITHOUT_CATEGORY]
    assert explanation.lost[CATEGORY]["dogs"] == 0
    assert min(explanation.lost[CATEGORY]["cats"], explanation.lost[CATEGORY][WITHOUT_CATEGORY]) > 0.01
    assert groups(tables).tolist() == [0, 2, 2]
    assert_adds_up(explanation, Optimum(tables).value - Optimum(tables).value_of(random_policy(tables)))


@pytest.mark.parametrize("rows", [1, 500_000])
def test_every_visit_of_a_simulated_session_loses_what_brute_force_says(
    monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """However many visits are kept at once."""
    monkeypatch.setattr("preroll.envs.optimum.losses.MOST_ROWS", rows)
    changes = {"session.slots": ["pre", "mid"], "session.horizon": 3, **ALL_SHOWN}
    scenario, catalog = tiny(changes), three_videos()
    tables, plain, lanes = Tables.compile(scenario, catalog), PlainModel(scenario, catalog), 50
    known: dict[Moment, list[float]] = {}

    def best(at: Moment, values: list[float]) -> float:
        known[at] = values
        return max(values)

    plain.revenue(best)
    envs = SessionVectorEnv(lanes, tables=tables, autoreset_mode="SameStep")
    ledger, rng = PhasedOptimum(tables).loss_ledger(lanes), np.random.default_rng(0)
    envs.reset(seed=1)
    playing, expected = np.ones(lanes, np.bool_), np.zeros((lanes, tables.n_actions))
    slot, level, last = 0, np.zeros(lanes, np.int64), np.full(lanes, 2 * tables.n_actions)
    while playing.any():
        video, ads = envs.state_arrays()["state"][3, :lanes], rng.integers(tables.n_actions, size=lanes)
        ledger.add(envs.state_arrays(), ads, playing)
        for lane in np.flatnonzero(playing):
            at = Moment(0, slot, int(video[lane]), int(level[lane]), int(last[lane]))
            expected[lane, ads[lane]] += max(known[at]) - known[at][ads[lane]]
        _, _, terminated, truncated, _ = envs.step(ads)
        for lane in np.flatnonzero(playing):
            at = Moment(0, slot, int(video[lane]), int(level[lane]), int(last[lane]))
            level[lane] = plain.answers(at, int(ads[lane]))[int(envs.played.viewed[lane])].level
            last[lane] = ads[lane] + tables.n_actions * envs.played.viewed[lane]
        playing &= ~(terminated | truncated)
        slot += 1
    lost = ledger.losses(PhasedOptimum(tables).optimum)
    np.testing.assert_allclose(lost.by_ad, expected, atol=1e-12)
    np.testing.assert_allclose(lost.by_slot.sum(axis=1), expected.sum(axis=1), atol=1e-12)
    np.testing.assert_allclose(lost.by_state.sum(axis=(1, 2)), expected.sum(axis=1), atol=1e-12)


def test_a_visit_to_a_video_without_a_category_has_its_group() -> None:
    catalog = three_videos((0, -1, -1), [[0.2, 0.8], [0.3, 0.7], [0.6, 0.4]])
    tables = Tables.compile(tiny(), catalog)
    envs = SessionVectorEnv(20, tables=tables, autoreset_mode="SameStep")
    ledger = PhasedOptimum(tables).loss_ledger(20)
    video, ads = envs.reset(seed=1)[1]["video"], np.full(20, tables.n_actions - 1)
    ledger.add(envs.state_arrays(), ads, np.ones(20, np.bool_))
    lost = ledger.losses(PhasedOptimum(tables).optimum)
    assert lost.by_state.shape == (20, 3, 3)
    assert [np.flatnonzero(one).tolist() for one in lost.by_state[:, :, 0]] == [[groups(tables)[v]] for v in video]
    assert sorted(set(video)) == [0, 1, 2]


@pytest.mark.parametrize("arrays", [2, 12])
def test_memory_that_is_short_is_said_before_it_is_taken(
    monkeypatch: pytest.MonkeyPatch, small_catalog: Catalog, arrays: int
) -> None:
    """For the policy's states, of which a table of ads needs a dozen, and for the values of the optimum."""
    exact = Optimum(Tables.compile("fatigue", small_catalog))
    size = exact.programs[0].empty(False).nbytes
    allowed = Limit(COMPILED.filled + arrays * size, "the container", "give it more memory")
    monkeypatch.setattr("preroll.system.memory.memory", lambda: allowed)
    with pytest.raises(MemoryShortError, match="what a policy loses needs about"):
        exact.explain(random_policy(exact.tables))


def test_a_policy_for_another_catalog_is_refused(small_catalog: Catalog) -> None:
    tables = Tables.compile(tiny(), three_videos())
    with pytest.raises(PrerollError, match="policy table: axes"):
        Optimum(Tables.compile("fatigue", small_catalog)).explain(Policy(ads=np.zeros((3, 1, 1), np.int16)))
    assert Optimum(tables).explain(Policy(ads=np.zeros(1, np.int16))).optimum == Optimum(tables).value
