"""The best of a class of policies, against all policies of the class."""

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from preroll.envs.model.tables import Tables
from preroll.envs.optimum import restricted
from preroll.envs.optimum.optimum import Optimum
from preroll.envs.optimum.restricted import best_fixed, best_memoryless, best_open_loop
from preroll.envs.policies.policy import Policy
from preroll.envs.policies.simple import by_category_policy
from preroll.perception.catalog.catalog import Catalog
from tests.envs.tiny import TWO_SEGMENTS, TWO_SLOTS, three_videos, tiny

MANY_ENDS: dict[str, Any] = {"user.repeat": 0, **TWO_SLOTS}
QUICK: list[dict[str, Any]] = [
    {},
    {"user.leave.fatigue": [0, 0.4, 1.0], "user.repeat": 0.2},
    {"session.horizon": 1, **TWO_SLOTS},
    {**TWO_SEGMENTS, "recall_weight": 1.0, "user.fatigue.recovery": 1},
]
#: The first two slots are of one video, the third too: with two, the slot before and the one after are alike.
THREE_SLOTS: dict[str, Any] = {"session.horizon": 1, "session.slots": ["pre", "mid", "post"]}

#: Of a video, whose numbers NumPy adds up in another order than rows of them.
ONE_STATE: dict[str, Any] = {"user.fatigue": {"levels": 1}, "user.leave.fatigue": [0], "user.repeat": 1}


def optimum_of(changes: dict[str, Any]) -> Optimum:
    return Optimum(Tables.compile(tiny(changes), three_videos()))


def all_plans(n_actions: int, shape: tuple[int, ...]) -> list[NDArray[np.int64]]:
    return [np.reshape(ads, shape) for ads in itertools.product(range(n_actions), repeat=int(np.prod(shape)))]


@pytest.mark.parametrize(
    "changes",
    [*QUICK, THREE_SLOTS, pytest.param(MANY_ENDS, marks=pytest.mark.compiled)],  # 6,561 plans
    ids=str,
)
def test_the_best_open_loop_plan_is_the_best_of_all_plans(changes: dict[str, Any]) -> None:
    exact = optimum_of(changes)
    tables, found = exact.tables, best_open_loop(exact)
    plans = all_plans(tables.n_actions, (tables.n_slots, 2))
    best = max(exact.value_of(by_category_policy(tables, plan)) for plan in plans)
    assert found.value == pytest.approx(best, abs=1e-12)
    assert exact.value_of(found.policy) == pytest.approx(best, abs=1e-12)
    assert not found.proven


@pytest.mark.parametrize("changes", QUICK, ids=str)
def test_the_best_memoryless_policy_is_the_best_that_sees_slot_and_last_view(changes: dict[str, Any]) -> None:
    """The groups are: nothing was viewed in the last slot, something was, or there was none."""
    exact = optimum_of(changes)
    n_ads = exact.tables.n_actions
    seen = np.repeat([0, 1, 2], [n_ads, n_ads, 1])[None, None]
    found = best_memoryless(exact, seen, by_last=True)
    assert not found.proven
    policies = (Policy(ads=plan[:, seen]) for plan in all_plans(n_ads, (exact.tables.n_slots, 3)))
    best = max(exact.value_of(policy) for policy in policies)
    assert found.value == pytest.approx(best, abs=1e-12)
    assert exact.value_of(found.policy) == pytest.approx(best, abs=1e-12)


def test_of_several_local_optima_the_best_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every ascent from one beginning ends at some plan; here they end at different ones."""
    begun, ends = searched(monkeypatch)
    found = best_open_loop(optimum_of(MANY_ENDS))
    assert len(begun) == len(ends)
    assert min(ends) < max(ends) - 0.1
    assert found.value == max(ends)


def test_a_search_begins_with_every_constant_plan_the_greedy_one_and_eight_random_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before cats .8 · 1 pays more than .5 · .5 · 2, and before dogs .5 · .8 · 1 less than .5 · 2."""
    begun, _ = searched(monkeypatch)
    best_open_loop(optimum_of({"session.horizon": 3, "recall_weight": 0.1}))
    constant, greedy, at_random = begun[:3], begun[3], begun[4:]
    assert [plan.tolist() for plan in constant] == [[[ad, ad]] * 3 for ad in range(3)]
    assert greedy.tolist() == [[0, 1]] * 3
    assert np.array_equal(at_random, np.random.default_rng(0).integers(0, 3, (8, 3, 2)))


def test_the_greedy_plan_is_that_of_the_first_phase_segment_position_and_level() -> None:
    """Elsewhere the other ad would be greedy, by position, appeal, wear or drift of view probability or reward."""
    later = {"ads.cats.short.view_probability": 0.01, "ads.dogs.long.reward": 100, "user.mismatch": 0.9}
    drift = [{"from_session": 1, "set": later}]
    appeal = [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5, "appeal": {"short": 0.01}}]
    changes = {**TWO_SLOTS, "user.position": {"mid": 0}, "user.fatigue.wear": [1, 0, 0]}
    changes |= {"user.segments": appeal, "drift": drift}
    tables = Tables.compile(tiny(changes), three_videos((0, 1, 1)))
    seen = np.array([0, 2, 2])[:, None, None]  # nobody is in group 1
    assert restricted._greedy_plan(tables, seen, 3).tolist() == [[0, 0, 1]] * 4


def searched(monkeypatch: pytest.MonkeyPatch) -> tuple[list[NDArray[np.int64]], list[float]]:
    """The plans with which every ascent begins, and the values with which it ends, as a search goes on."""
    begun: list[NDArray[np.int64]] = []
    ends: list[float] = []
    improve = restricted._improve

    def noted(optimum: Any, plans: Any, *others: Any) -> Any:
        begun.extend(plans.copy())
        better, values = improve(optimum, plans, *others)
        ends.extend(values.tolist())
        return better, values

    monkeypatch.setattr(restricted, "_improve", noted)
    return begun, ends


@pytest.mark.parametrize("enumerated", [10_000, 0])
def test_the_best_fixed_policy_is_the_best_of_all_or_of_those_that_differ_in_one_category(
    enumerated: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restricted, "ENUMERATED", enumerated)
    for changes in [*QUICK, MANY_ENDS]:
        exact = optimum_of(changes)
        found = best_fixed(exact)
        assert found.proven == bool(enumerated)
        assert exact.value_of(found.policy) == found.value
        assert found.policy.ads is not None
        ads = found.policy.ads[0, 0, 0, [0, 1], 0, 0]
        rivals = all_plans(exact.tables.n_actions, (2,))
        values = {tuple(rival): exact.value_of(by_category_policy(exact.tables, rival)) for rival in rivals}
        near = [value for rival, value in values.items() if enumerated or (np.array(rival) != ads).sum() < 2]
        assert found.value == max(near)


@pytest.mark.parametrize(("costly", "best"), [("long", [0, 0]), ("short", [1, 1]), ("long", [0, 2]), ("short", [2, 1])])
def test_ascent_leaves_the_ads_with_the_largest_reward_where_they_drive_users_away(
    costly: str, best: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins at short before cats and long before dogs; better is the other ad, or none where it is no use."""
    monkeypatch.setattr(restricted, "ENUMERATED", 0)
    hazard = {length: [0.9, 0.9] if length == costly else [0.05, 0.05] for length in ("short", "long")}
    changes = {"user.leave": {"hazard": hazard}, "user.fatigue": {"levels": 1}, "user.repeat": 1}
    changes["user.mismatch"] = 0.0 if 2 in best else 0.5
    exact = optimum_of({"session.horizon": 4, **changes})
    found = best_fixed(exact)
    assert found.policy.ads is not None
    rivals = all_plans(3, (2,))
    values = [exact.value_of(by_category_policy(exact.tables, rival)) for rival in rivals]
    assert found.value == pytest.approx(max(values))
    assert found.policy.ads[0, 0, 0, [0, 1], 0, 0].tolist() == best


def test_ascent_begins_at_the_ad_of_any_advertiser_that_earns_most_before_a_category(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before cats .7 against .5 · 1.2, before dogs .3 against .9 · 1.2; no policy tried later counts as better."""
    monkeypatch.setattr(restricted, "ENUMERATED", 0)
    ads = {
        "soap": {"short": {"seconds": 9, "view_probability": {"cats": 0.7, "other": 0.3}, "reward": 1}},
        "oil": {"long": {"seconds": 9, "view_probability": {"cats": 0.5, "dogs": 0.9}, "reward": 1.2}},
    }
    exact = optimum_of({"ads": ads, "session.horizon": 1})
    tried: list[list[int]] = []

    def worse_and_worse(_: Optimum, choices: Any) -> Any:
        tried.extend(choices.tolist())
        return 1 / np.arange(len(tried) - len(choices) + 1, len(tried) + 1)

    monkeypatch.setattr(restricted, "_values", worse_and_worse)
    best_fixed(exact)
    assert tried[0] == [0, 1]


@pytest.mark.parametrize("changes", [*QUICK, THREE_SLOTS, ONE_STATE], ids=str)
def test_in_stacks_of_any_size_policies_have_the_values_and_plans_that_they_have_alone(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last bit, so that of equal policies the same one is found."""
    exact, found, catalog = optimum_of(changes), [], many_videos()
    larger = Optimum(Tables.compile(tiny(changes), catalog))
    for stack in (1, 60, 2**19):
        monkeypatch.setattr(restricted, "STACK", stack)
        plan, values = best_open_loop(exact), restricted._values(larger, np.array(all_plans(3, (2,))))
        assert plan.policy.ads is not None
        found.append((plan.value, plan.policy.ads.tolist(), values.tolist()))
    assert found[0] == found[1] == found[2]
    assert found[0][2] == [larger.value_of(by_category_policy(larger.tables, ads)) for ads in all_plans(3, (2,))]


def many_videos() -> Catalog:
    """So many that the order in which they are added up counts."""
    rng = np.random.default_rng(0)
    return Catalog.from_arrays(
        categories=("cats", "dogs"),
        category=rng.integers(2, size=300),
        neighbors=(np.arange(300)[:, None] + np.cumsum(rng.integers(1, 20, (300, 10)), axis=1)) % 300,
        importance=rng.random((300, 2)),
        classes=("cat", "dog"),
        memorability=rng.random(300),
    )


def test_both_limits_of_the_enumeration_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """9 policies of 2 slots, 3 videos and 3 levels: 162 states together."""
    exact = optimum_of({})
    for policies, states, proven in ((9, 162, True), (8, 162, False), (9, 161, False)):
        monkeypatch.setattr(restricted, "ENUMERATED", policies)
        monkeypatch.setattr(restricted, "EVALUATED", states)
        assert best_fixed(exact).proven == proven


def test_a_search_ends_where_no_single_change_of_the_plan_helps() -> None:
    """Where there are too many plans to count: no other ad in one slot before one category earns more."""
    exact = Optimum(Tables.compile(tiny({"session.horizon": 5}), three_videos()))
    found = best_open_loop(exact)
    assert found.policy.ads is not None
    plan = found.policy.ads[0, 0, :, [0, 1], 0, 0].T.astype(np.int64)
    for slot, category, ad in itertools.product(range(5), range(2), range(3)):
        changed = plan.copy()
        changed[slot, category] = ad
        assert exact.value_of(by_category_policy(exact.tables, changed)) <= found.value + 1e-9
